import { setTimeout } from "node:timers/promises";
import { assert, type LedgerEvent } from "ledger-core";
import type { EventLog } from "ledger-core/event-log";
import { connectMysql, connectSqlite, type MysqlConnection } from "ledger-core/sql";
import { openTestLog, seeded, shardHistory } from "ledger-core/testing";
import { type Link, openLink } from "ledger-core/testing/engines/link";
import type { MariadbNode, MariadbPair } from "ledger-core/testing/engines/mariadb-pair";
import { migrateServer } from "../adapters/sql/layouts.ts";
import { sqlServer } from "../adapters/sql/server.ts";
import { makeSqlProjections, migrateModels } from "../projections/list.ts";
import { makeReadModels, modelsTarget } from "../projections/models/model.ts";
import { modelsProjection } from "../projections/models/projection.ts";
import type { StoreServer } from "../projections/store-server.ts";
import { createBoard, nextMove } from "../running/board.ts";
import { keepProjections } from "../running/keep-projections.ts";
import { appendAll, modelRows, quiet } from "./stores.ts";

export const serverFaults = ["cut", "hold", "mute", "kill", "end connections", "lock"] as const;
export type ServerFault = (typeof serverFaults)[number];

const SHARDS = [0, 1] as const;
/** So short that a history spans several. */
const RUN = 64;
const CHUNKS = 8;
const patience = { connectMs: 2000, acquireMs: 3000, silentMs: 1000 };

export type ServerFaultRun = {
  readonly pair: MariadbPair;
  readonly seed: number;
  readonly faults: readonly ServerFault[];
  /** Replaces the store that workers write, to plant a fault. */
  readonly plant?: (server: StoreServer) => StoreServer;
  readonly tell?: (text: string) => void;
};

/**
 * Two workers apply two shards, both to the same database, while faults are played against its server; at the end a
 * replica takes over that has received everything, and then one that has not.
 * @returns the tables whose rows are not those that the log makes
 */
export async function playServerFaults(run: ServerFaultRun): Promise<readonly string[]> {
  const { pair, seed, plant = (server) => server, tell = () => undefined } = run;
  const next = seeded(seed);
  const histories = SHARDS.map((shard) => shardHistory(shard, seed + shard, 150));
  const { log } = await openTestLog();
  const appendChunk = chunks(log, histories);
  let port = portOf(pair.primary());
  const link = await openLink(() => port);
  const database = await pair.createDatabase();
  const through: MysqlConnection = { ...pair.primary().as("writer"), database, port: link.port, patience };
  const admin = connectMysql(through);
  const [model] = makeSqlProjections(RUN);
  assert(model, "the models are a projection");
  await migrateServer(admin, model, true);
  const server = plant(sqlServer(model, () => connectMysql({ ...through, pool: { min: 0, max: 4 } })));
  await appendChunk();
  const workers = [startWorker(log, server), startWorker(log, server)];
  const reach = async () => {
    for (const worker of workers) await worker.reaches(SHARDS.map((_, n) => appendChunk.head(n)));
  };
  try {
    await reach();
    for (const fault of run.faults) {
      const lastsMs = 50 + next(400);
      tell(`${fault} for ${lastsMs} ms`);
      await appendChunk();
      await play(fault, { link, pair, through }, lastsMs, appendChunk);
      await reach();
    }
    for (const loses of [false, true]) {
      tell(loses ? "failover to a replica that lags" : "failover");
      const [replica] = pair.replicas();
      assert(replica, "the pair has a replica");
      if (loses) await replica.stopApplying();
      await appendChunk();
      await reach();
      const former = pair.primary();
      if (!loses) await replica.caughtUp(former);
      await pair.promote(replica);
      port = portOf(replica);
      await appendChunk();
      await reach();
      if (!loses) {
        await former.kill();
        await pair.restart(former);
      }
    }
    return await differences(admin, histories, appendChunk);
  } finally {
    for (const worker of workers) await worker.stop();
    await admin.destroy();
    await link.close();
  }
}

function portOf(node: MariadbNode): number {
  return node.as("writer").port;
}

type AppendChunk = { (): Promise<void>; head(shard: number): number };

/** Appends each shard's history piece by piece. */
function chunks(log: EventLog, histories: readonly (readonly LedgerEvent[])[]): AppendChunk {
  const appended = histories.map(() => 0);
  const append = async () => {
    for (const [n, history] of histories.entries()) {
      const from = appended[n] ?? 0;
      const part = history.slice(from, from + Math.ceil(history.length / CHUNKS / 2));
      await appendAll(log, part);
      appended[n] = from + part.length;
    }
  };
  return Object.assign(append, { head: (shard: number) => (appended[shard] ?? 0) - 1 });
}

type Played = { readonly link: Link; readonly pair: MariadbPair; readonly through: MysqlConnection };

async function play(
  fault: ServerFault,
  { link, pair, through }: Played,
  lastsMs: number,
  appendChunk: AppendChunk,
): Promise<void> {
  switch (fault) {
    case "cut":
    case "hold":
    case "mute":
      link[fault]();
      await setTimeout(lastsMs);
      link.mend();
      return;
    case "kill":
      await pair.primary().kill();
      await appendChunk();
      await pair.restart(pair.primary());
      return;
    case "end connections":
      await endConnections(pair.primary(), through.user);
      return;
    case "lock": {
      const rival = connectMysql(through);
      await rival.transaction(async (trx) => {
        await trx.raw("SELECT * FROM checkpoints FOR UPDATE");
        await appendChunk();
        await setTimeout(lastsMs);
      });
      await rival.destroy();
      return;
    }
    default:
      fault satisfies never;
  }
}

async function endConnections(node: MariadbNode, user: string): Promise<void> {
  const connections = await node.sql(`SELECT id FROM information_schema.processlist WHERE user = '${user}'`);
  // One may have ended by itself meanwhile.
  for (const { id } of connections) await node.sql(`KILL ${id}`).catch(() => undefined);
}

function startWorker(log: EventLog, server: StoreServer) {
  const board = createBoard(SHARDS.length);
  const retryMs = { first: 10, most: 200 };
  const kept = keepProjections({
    ...{ dir: "", files: [], servers: [server], log, shards: SHARDS, logger: quiet, tell: board.take },
    ...{ keeper: { retryMs }, tuning: { batchMax: 20, retryMs } },
  });
  return {
    async reaches(heads: readonly number[]): Promise<void> {
      await kept.tried;
      while (heads.some((head, shard) => board.revision("models", shard) < head)) {
        const halted = SHARDS.map((shard) => board.trouble("models", shard)).find((one) => one?.startsWith("halted"));
        if (halted) throw new Error(`a worker ${halted}`);
        await nextMove(board);
      }
    },
    async stop(): Promise<void> {
      kept.obey({ kind: "stop" });
      await kept.finished;
    },
  };
}

/** The tables that differ from those that the same events make in a file. */
async function differences(
  db: ReturnType<typeof connectMysql>,
  histories: readonly (readonly LedgerEvent[])[],
  { head }: AppendChunk,
): Promise<readonly string[]> {
  const expected = connectSqlite({ file: ":memory:" });
  try {
    await migrateModels(expected);
    for (const shard of SHARDS) {
      const changes = (histories[shard] ?? []).slice(0, head(shard) + 1).flatMap(modelsProjection.project);
      await modelsTarget(expected, makeReadModels(RUN)).apply(shard, -1, head(shard), changes);
    }
    const [found, wanted] = [await modelRows(db), await modelRows(expected)];
    const text = (rows: unknown) =>
      JSON.stringify(rows, (_, value) => (typeof value === "bigint" ? `${value}` : value));
    return Object.keys(wanted).filter((table) => text(found[table]) !== text(wanted[table]));
  } finally {
    await expected.destroy();
  }
}
