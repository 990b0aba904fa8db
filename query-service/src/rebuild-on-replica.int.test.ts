import { type AccountId, assert, encodeEvent, postingsOf } from "ledger-core";
import type { EventLog } from "ledger-core/event-log";
import { createLogger, type MysqlTarget } from "ledger-core/process";
import { connectMysql, mysqlConnection } from "ledger-core/sql";
import { examples, findMariadb, openTestLog, randomHistory, seeded } from "ledger-core/testing";
import { type MariadbPair, startMariadbPair } from "ledger-core/testing/engines/mariadb-pair";
import {
  migrateModels,
  modelsProjection,
  modelsTarget,
  type RebuildState,
  rebuildServer,
  runProjection,
} from "projection-workers";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { openMysqlReplicas } from "./adapters/mysql/replicas.ts";
import { serveQueries, type TestQueries } from "./testing/served.ts";

const source = await findMariadb();
const seed = Date.now() % 1_000_000;
const COMMANDS = 1500;
const BEFORE = 600;
const READERS = 4;
const REBUILDS = 2;
const logger = createLogger({ level: "silent", name: "test" });

describe.skipIf(source.kind !== "local")(`reads of a replica while its primary rebuilds, seed ${seed}`, () => {
  let pair: MariadbPair;
  beforeAll(async () => {
    if (source.kind !== "local") throw new Error("skipped otherwise");
    pair = await startMariadbPair(source.local, 1);
  });
  afterAll(() => pair.stop());

  test("no answer is wrong, older than asked for, or missing", { timeout: 180_000 }, async () => {
    const { log } = await openTestLog();
    const history = await startHistory(log);
    const [writing, reading] = await openDatabase(pair);
    const worker = startWorker(log, writing);
    onTestFinished(worker.stop);
    const replicas = await openMysqlReplicas([reading], 2 * READERS, logger);
    onTestFinished(replicas.close);
    const queries = await serveQueries({ reader: replicas.set });
    onTestFinished(() => queries.app.close());
    let over = false;
    const wrong: string[] = [];
    const read = async () => {
      while (!over) wrong.push(...(await history.readAtRandom(queries)));
    };
    // An answer between two events, so that the history lasts.
    const write = async () => {
      while (!over && (await history.append())) wrong.push(...(await history.readAtRandom(queries)));
    };
    const others = Promise.all([write(), ...Array.from({ length: READERS }, read)]);
    const ends: string[] = [];
    try {
      for (let n = 0; n < REBUILDS; n++) ends.push(await rebuilt(writing, log));
    } finally {
      over = true;
      await others;
    }
    expect(ends).toEqual(Array.from({ length: REBUILDS }, () => "done, 0 rows differ"));
    expect(wrong).toEqual([]);
    expect(history.answered()).toBeGreaterThan(0);
    expect(history.written(), "the log grew meanwhile").toBeGreaterThan(BEFORE);
    expect(worker.trouble()).toBeUndefined();
  });
});

async function openDatabase(pair: MariadbPair): Promise<readonly [MysqlTarget, MysqlTarget]> {
  const database = await pair.createDatabase();
  const [primary, [replica]] = [pair.primary(), pair.replicas()];
  assert(replica, "the pair has a replica");
  const targetOf = ({ host, port, user, password, tls }: ReturnType<typeof primary.as>): MysqlTarget => ({
    ...{ kind: "mysql", host, port, database, credentials: { username: user, password: { reveal: () => password } } },
    ...(tls && { tls }),
  });
  const db = connectMysql({ ...primary.as("writer"), database });
  await migrateModels(db);
  await db.destroy();
  await replica.caughtUp(primary);
  return [targetOf(primary.as("writer")), targetOf(replica.as("reader"))];
}

/** A history that is partly in the log, and readers who know each account's balance after each event. */
async function startHistory(log: EventLog) {
  const events = randomHistory(seed, COMMANDS);
  const next = seeded(seed);
  const balances = new Map<AccountId, { readonly revision: number; readonly posted: string }[]>();
  let [written, answered] = [-1, 0];
  const append = async () => {
    const event = events[written + 1];
    if (!event) return false;
    const { id, at } = event;
    await log.append(0, written, [{ id, at, ...encodeEvent(event) }]);
    for (const { account, balance } of postingsOf(event.fact)) {
      const known = balances.get(account) ?? [];
      known.push({ revision: event.revision, posted: `${balance}` });
      balances.set(account, known);
    }
    written++;
    return true;
  };
  while (written < BEFORE) await append();

  /** Reads a balance at a position, by itself or from the newest entry. @returns what is wrong with the answer */
  async function readAtRandom(queries: TestQueries): Promise<readonly string[]> {
    const account = examples.accountId(1 + next(6));
    const asked = written - (next(4) === 0 ? next(50) : 0);
    const inList = next(2) === 0;
    const url = `/v1/accounts/${account}/${inList ? "entries?limit=1" : "balance"}`;
    const headers = { "ledger-position": `0:${asked}`, "ledger-wait": "10000" };
    const { status, body, text, headers: told } = await queries.get(examples.operator, url, headers);
    const served = Number(String(told["ledger-position"]).split(":")[1]);
    const shown = inList ? fieldAt(body.data, 0, "balanceAfter") : body.posted;
    const expected = balances.get(account)?.findLast(({ revision }) => revision <= served)?.posted;
    answered++;
    if (status === 200 && served >= asked && shown === (expected ?? (inList ? undefined : "0"))) return [];
    return [`${url}, asked for ${asked}: ${status}, at ${served}, not ${expected}: ${text.slice(0, 300)}`];
  }

  return { append, readAtRandom, answered: () => answered, written: () => written };
}

function fieldAt(list: unknown, place: number, field: string): unknown {
  const row: unknown = Array.isArray(list) ? list[place] : undefined;
  return typeof row === "object" && row !== null
    ? Object.entries(row).find(([name]) => name === field)?.[1]
    : undefined;
}

/** The models' worker. */
function startWorker(log: EventLog, target: MysqlTarget) {
  const db = connectMysql(mysqlConnection(target));
  const ending = new AbortController();
  let trouble: string | undefined;
  const run = runProjection({
    ...{ log, shard: 0, projection: modelsProjection, target: modelsTarget(db), signal: ending.signal, logger },
    onStatus({ state, reason }) {
      if (state === "halted") trouble = reason ?? state;
    },
  });
  return {
    trouble: () => trouble,
    async stop() {
      ending.abort();
      await run.finished;
      await db.destroy();
    },
  };
}

/** Rebuilds the models as `ledger rebuild` does, and says how it ended. */
async function rebuilt(target: MysqlTarget, log: EventLog): Promise<string> {
  let last: RebuildState | undefined;
  const tell = (state: RebuildState) => {
    last = state;
  };
  await rebuildServer({ projection: "models", target }, { log, shards: [0], logger, tell });
  return last?.status === "done" ? `done, ${last.differing} rows differ` : `${last?.status}: ${last?.detail}`;
}
