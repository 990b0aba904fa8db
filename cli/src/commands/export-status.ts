import {
  embeddedEnvironment,
  exportPart,
  exportTables,
  openExport,
  type TableStatus,
  tableStatus,
} from "analytics-export";
import { Command } from "commander";
import { isLedgerError, type Shard } from "ledger-core";
import { openEventLogReader } from "ledger-core/engines";
import { eventLogPart, readConfiguration, shardsPart } from "ledger-core/process";
import { readServerFile } from "standalone/server-file";
import { createClient } from "../import/client.ts";
import { asObject, listOf } from "../import/json.ts";
import { createOutput, exitCodes } from "../output.ts";
import { DEFAULT_DATA, resolveAccess } from "../settings.ts";

const help = `
Reads the tables' own logs, and the end of the event log: of the ledger that runs on the data folder (LEDGER_DATA, else
./data), or as the environment says (EVENT_LOG). Nothing is changed or stopped.

Examples:
  ledger export status
  EXPORT=folder:/srv/lake EXPORT_KEY_FILE=/run/secrets/export-key ledger export status --json

Exit codes: 0 done; 1 the lake cannot be read; 2 unusable settings.`;

/** The end of a shard's log; null if nobody can say where it is. */
type Head = { readonly shard: Shard; readonly head: number | null };

/** `ledger export status`: how far each table is behind the log, and how large it is. */
export function exportStatusCommand(finish: (code: number) => void): Command {
  return new Command("status")
    .description("tell how far each table is behind the log, and its size")
    .option("--json", "print one JSON document")
    .addHelpText("after", help)
    .action(async (flags: { json?: true }) => {
      const environment = embeddedEnvironment(DEFAULT_DATA);
      const parts = { target: eventLogPart, lake: exportPart, shards: shardsPart };
      const { target, lake: place, shards } = readConfiguration(parts, environment);
      const { lake } = await openExport(place);
      const log = await headsOf(target, shards);
      const tables = await Promise.all(exportTables.map(({ name }) => tableStatus(lake, name)));
      const document = tables.map((table) => ({ ...table, positions: log.map((head) => lagOf(table, head)) }));
      createOutput(flags.json ?? false).result({ tables: document }, document.map(describe));
      finish(exitCodes.ok);
    });
}

function lagOf({ positions }: TableStatus, { shard, head }: Head) {
  const revision = positions.find((position) => position.shard === shard)?.revision ?? -1;
  return { shard, revision, head, behind: head === null ? null : Math.max(0, head - revision) };
}

type TableLag = Omit<TableStatus, "positions"> & { readonly positions: readonly ReturnType<typeof lagOf>[] };

function describe({ table, files, bytes, version, positions }: TableLag): string {
  const places = positions.map(({ shard, revision, behind }) => {
    const lag = behind === null ? "the log cannot be read now" : `${behind} events behind`;
    return `shard ${shard} at ${revision}, ${lag}`;
  });
  const size = (bytes / 2 ** 20).toFixed(1);
  return `${table}: ${places.join("; ")}; ${files} files, ${size} MiB, ${version + 1} commits`;
}

/** A running embedded ledger has its log to itself, and is asked. */
async function headsOf(target: Parameters<typeof openEventLogReader>[0], shards: number): Promise<readonly Head[]> {
  const none = Array.from({ length: shards }, (_, shard): Head => ({ shard, head: null }));
  if (readServerFile(DEFAULT_DATA)) {
    const access = await resolveAccess({ data: DEFAULT_DATA, sub: "export-status", role: "platform" });
    const answer = await createClient({ ...access, patienceMs: 0 })
      .get("/admin/positions")
      .catch(() => undefined);
    if (answer)
      return listOf(answer.body, "log")
        .map(asObject)
        .map(({ shard, head }) => headOf(shard, head));
  }
  const log = await openEventLogReader(target);
  try {
    return await Promise.all(none.map(async ({ shard }) => ({ shard, head: await log.head(shard) })));
  } catch (error) {
    if (!isLedgerError(error)) throw error;
    return none;
  } finally {
    await log.close();
  }
}

function headOf(shard: unknown, head: unknown): Head {
  return { shard: Number(shard), head: Number(head) };
}
