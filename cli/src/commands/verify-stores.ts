import { constants, setPriority } from "node:os";
import { exportPart, lakeStore, openExport } from "analytics-export";
import { formatPosition } from "ledger-core";
import { openEventLogReader } from "ledger-core/engines";
import type { MirrorSource } from "ledger-core/kafka";
import {
  type BrokerTarget,
  brokerPart,
  createLogger,
  dataPart,
  eventLogPart,
  graphPart,
  readConfiguration,
  readModelPart,
  readModelReplicaPart,
  sessionsPart,
  shardsPart,
} from "ledger-core/process";
import { type StoreReport, type StoresReport, storeGroups, verifyStores, verifyTuning } from "projection-workers";
import { amountsAsText, exitCodes } from "../output.ts";
import type { Progress } from "../progress.ts";

const FINDINGS_SHOWN = 20;

/** Compares all stores that the environment names with the log. @param waitSeconds for stores that are behind */
export async function verifyAllStores(waitSeconds: number, progress: Progress): Promise<StoresReport> {
  const parts = { data: dataPart, target: eventLogPart, broker: brokerPart, shards: shardsPart, lake: exportPart };
  const stores = { readModel: readModelPart, replicas: readModelReplicaPart, graph: graphPart, sessions: sessionsPart };
  const { data, target, broker, shards, lake, ...targets } = readConfiguration({ ...parts, ...stores });
  setPriority(constants.priority.PRIORITY_LOW);
  const log = await openEventLogReader(target);
  const mirror = await openMirror(broker);
  try {
    return await verifyStores({
      ...{ log, groups: await storeGroups({ data, ...targets }), scratch: data },
      ...(mirror && { mirror }),
      ...(lake.kind === "lake" && { others: [lakeStore({ log, ...(await openExport(lake)) })] }),
      shards: Array.from({ length: shards }, (_, shard) => shard),
      tuning: { ...verifyTuning, waitMs: 1000 * waitSeconds },
      tell: progress.note,
    });
  } finally {
    await mirror?.close();
    await log.close();
  }
}

async function openMirror(broker: BrokerTarget): Promise<MirrorSource | undefined> {
  if (broker.kind === "none") return undefined;
  const { openMirrorSource } = await import("ledger-core/kafka");
  return openMirrorSource(broker, { logger: createLogger({ name: "mirror", level: "error" }) });
}

export function storesExitCode({ verdict }: StoresReport): number {
  switch (verdict) {
    case "equal":
      return exitCodes.ok;
    case "differs":
      return exitCodes.checkNotMet;
    case "unknown":
      return exitCodes.failure;
    default:
      return verdict satisfies never;
  }
}

export function storesLines({ positions, log, stores }: StoresReport): string[] {
  const at = positions.map(formatPosition).join(", ");
  const sums = Object.entries(log?.credited ?? {}).map(([currency, sum]) => `${currency} ${sum}`);
  const figures = log && `log to ${at}: ${log.accounts} accounts, ${log.entries} entries, credited ${sums.join(", ")}`;
  return [...(figures ? [figures] : []), ...stores.flatMap(storeLines)];
}

const words = { equal: "equal", differs: "DIFFERS", unreadable: "CANNOT BE READ", unknown: "not known" } as const;

function storeLines({ store, verdict, detail, positions, first, findings, differing }: StoreReport): string[] {
  const at = positions.length === 0 ? "" : ` (at ${positions.map(formatPosition).join(", ")})`;
  const head = `${store}: ${words[verdict]}: ${detail}${at}`;
  if (!first) return [head];
  const { table, key, column, expected, found, account, event, position } = first;
  const about = [account && `account ${account}`, event && `event ${event}`, position && formatPosition(position)];
  const place = `${table} ${key}${column === null ? "" : `, ${column}`}`;
  const others = findings
    .slice(1, FINDINGS_SHOWN)
    .map(({ table, key, kind, fields }) => `  ${table} ${key}: ${kind} ${fields.join(", ")}`);
  const more = differing - 1 - others.length;
  return [
    head,
    `  first: ${place}: expected ${shown(expected)}, found ${shown(found)} (${about.filter(Boolean).join(", ")})`,
    ...others,
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}

function shown(value: unknown): string {
  return value === null || value === undefined ? "nothing" : JSON.stringify(value, amountsAsText);
}
