import { existsSync } from "node:fs";
import { type GoldTarget, goldPart } from "analytics-export/gold-settings";
import { Argument, Command } from "commander";
import { isLedgerError } from "ledger-core";
import { openEventLogReader } from "ledger-core/engines";
import { openIdentity, tryLimits } from "ledger-core/http";
import {
  type BrokerTarget,
  brokerPart,
  createLogger,
  dataPart,
  type EventLogTarget,
  eventLogPart,
  type GraphTarget,
  graphPart,
  type IdentityTarget,
  identityPart,
  limitsPart,
  type ReadModelReplicas,
  type ReadModelTarget,
  readConfiguration,
  readModelPart,
  readModelReplicaPart,
  type ServiceProcess,
  shardsPart,
  showSettings,
} from "ledger-core/process";
import { dataPaths } from "ledger-core/process/data-paths";
import { connectMysql, mysqlConnection, requireLayout, translateStoreErrors } from "ledger-core/sql";
import { openGold } from "query-service";
import { createOutput, exitCodes } from "../output.ts";
import { services } from "./start-service.ts";

const examples = `
Examples:
  ledger config check
  EVENT_LOG=esdb://log.internal:2113 ledger config check command-service --json

Exit codes: 0 everything can be reached; 1 something cannot; 2 settings that cannot be used.`;

/** Timeout of one connection. */
const TRY_MS = 10_000;

/** `ledger config`: the settings of the services. */
export function configCommand(finish: (code: number) => void): Command {
  const check = new Command("check")
    .description("print the settings that services would use, secrets masked, and try each connection")
    .addArgument(new Argument("[service]", "only what one service uses").choices(services.map(({ name }) => name)))
    .option("--json", "print one JSON document")
    .addHelpText("after", examples)
    .action(async (name: string | undefined, flags: { json?: true }) => {
      const checked = services.filter((service) => name === undefined || service.name === name);
      const { document, lines, code } = await checkConfiguration(checked);
      createOutput(flags.json ?? false).result(document, lines);
      finish(code);
    });
  return new Command("config").description("check the settings of the services").addCommand(check);
}

type Tried = { readonly name: string; readonly ok: boolean; readonly detail: string };

async function checkConfiguration(checked: readonly ServiceProcess[]) {
  const settings = Object.assign({}, ...checked.map(({ part }) => part.settings));
  const shown = showSettings(settings).filter(({ name }) => settings[name].about !== undefined);
  const lines = shown.map(({ name, value, from }) => `${name} = ${value}${from === "set" ? "" : ` (${from})`}`);
  const faults = faultsOf(checked);
  if (faults.length > 0) {
    const document = { settings: shown, faults, connections: [] };
    return { document, lines: [...lines, "", ...faults], code: exitCodes.usage };
  }
  const tried = await tryConnections(settings);
  return {
    document: { settings: shown, faults, connections: tried },
    lines: [...lines, "", ...tried.map(({ name, ok, detail }) => `${name}: ${ok ? "ok" : "FAILED"}, ${detail}`)],
    code: tried.every(({ ok }) => ok) ? exitCodes.ok : exitCodes.failure,
  };
}

function faultsOf(checked: readonly ServiceProcess[]): string[] {
  try {
    readConfiguration(Object.fromEntries(checked.map(({ name, part }) => [name, part])));
    return [];
  } catch (error) {
    if (!isLedgerError(error, "config")) throw error;
    return [error.message];
  }
}

async function tryConnections(settings: object): Promise<readonly Tried[]> {
  const uses = (name: string) => name in settings;
  const brokerOf = () => {
    const { broker, shards } = readConfiguration({ broker: brokerPart, shards: shardsPart });
    return tryBroker(broker, shards);
  };
  const identityOf = () => {
    const { identity, data } = readConfiguration({ identity: identityPart, data: dataPart });
    return tryIdentity(identity, data);
  };
  const limitsOf = async () => {
    const { limits, data } = readConfiguration({ limits: limitsPart, data: dataPart });
    await tryLimits(limits, dataPaths(data).revocations);
    return limits.kind === "none" ? "the file in the data folder" : `the Redis at ${limits.nodes.join(", ")}`;
  };
  return [
    ...(uses("LEDGER_DATA") ? [tryDataFolder(readConfiguration({ data: dataPart }).data)] : []),
    ...(uses("EVENT_LOG")
      ? [await attempt("event log", () => tryEventLog(readConfiguration({ log: eventLogPart }).log))]
      : []),
    ...(uses("READ_MODEL")
      ? [await attempt("read models", async () => tryReadModels(readConfiguration({ to: readModelPart }).to))]
      : []),
    ...(uses("READ_MODEL_REPLICA") ? await tryReplicas(readConfiguration({ of: readModelReplicaPart }).of) : []),
    ...(uses("GRAPH") ? [await attempt("graph", () => tryGraph(readConfiguration({ graph: graphPart }).graph))] : []),
    ...(uses("GOLD_TABLES")
      ? [await attempt("tables of jobs", () => tryGold(readConfiguration({ gold: goldPart }).gold))]
      : []),
    ...(uses("BROKER") ? [await attempt("broker", brokerOf)] : []),
    ...(uses("IDENTITY") ? [await attempt("identity", identityOf)] : []),
    ...(uses("LIMITS") ? [await attempt("limits", limitsOf)] : []),
  ];
}

async function tryIdentity(target: IdentityTarget, data: string): Promise<string> {
  await openIdentity(target, dataPaths(data).tokenKey).load();
  return target.kind === "embedded" ? "the key in the data folder" : `the keys of ${target.issuer}`;
}

function tryDataFolder(dir: string): Tried {
  const { tokenKey } = dataPaths(dir);
  const ok = existsSync(tokenKey);
  const advice = "ledger token --data makes it";
  return { name: "data folder", ok, detail: ok ? dir : `${tokenKey} is not there: ${advice}` };
}

async function tryEventLog(target: EventLogTarget): Promise<string> {
  const log = await openEventLogReader(target);
  try {
    return `its head is ${await log.head(0)}`;
  } finally {
    await log.close();
  }
}

async function tryReadModels(target: ReadModelTarget): Promise<string> {
  if (target.kind === "sqlite") return `the file ${target.file}`;
  const db = connectMysql(mysqlConnection(target));
  try {
    const { name, complete } = await translateStoreErrors("read models", () => requireLayout(db));
    return `the tables ${name} are there${complete === 1 ? "" : ", and not complete yet"}`;
  } finally {
    await db.destroy();
  }
}

async function tryReplicas(from: ReadModelReplicas): Promise<readonly Tried[]> {
  const targets = from.kind === "sqlite" ? [from] : from.replicas;
  const nameOf = (target: ReadModelTarget) => (target.kind === "sqlite" ? "" : ` ${target.host}:${target.port}`);
  return Promise.all(
    targets.map((target) => attempt(`read models of queries${nameOf(target)}`, () => tryReadModels(target))),
  );
}

async function tryGraph(graph: GraphTarget): Promise<string> {
  if (graph.kind === "sqlite") return "a file";
  const { openGremlin, readBooks } = await import("ledger-core/gremlin");
  const client = openGremlin(graph);
  try {
    const books = await readBooks(client);
    return books ? `version ${books.served.version} is served` : "it is empty";
  } finally {
    await client.close();
  }
}

async function tryGold(target: GoldTarget): Promise<string> {
  const gold = openGold(target);
  if (!gold) return "none are used";
  try {
    const key = { text: "merchant_daily_sales" };
    const rows = await gold.rows({ table: "report_positions", key, order: "asc", limit: 1 });
    return rows === undefined ? "no job has made any yet" : "they are there";
  } finally {
    await gold.close();
  }
}

async function tryBroker(broker: BrokerTarget, shards: number): Promise<string> {
  if (broker.kind === "none") return "none is used";
  const { openMirrorTarget } = await import("ledger-core/kafka");
  const target = openMirrorTarget(broker, { logger: createLogger({ level: "silent", name: "config" }) });
  try {
    await target.check(Array.from({ length: shards }, (_, shard) => shard));
    return `the topic ${broker.topic} is there`;
  } finally {
    await target.close();
  }
}

/** The outcome of one attempt, with the adapter's own message, which contains no secret. */
async function attempt(name: string, work: () => Promise<string>): Promise<Tried> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${TRY_MS / 1000} s`)), TRY_MS);
  try {
    return { name, ok: true, detail: await Promise.race([work(), late]) };
  } catch (error) {
    return { name, ok: false, detail: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}
