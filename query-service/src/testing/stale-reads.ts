import { setTimeout } from "node:timers/promises";
import type { Knex } from "knex";
import { assert, tables } from "ledger-core";
import { createLogger, type MysqlTarget } from "ledger-core/process";
import { connectMysql, isServerAway, mysqlConnection } from "ledger-core/sql";
import { examples, seeded } from "ledger-core/testing";
import { type Link, openLink } from "ledger-core/testing/engines/link";
import type { MariadbNode, MariadbPair } from "ledger-core/testing/engines/mariadb-pair";
import { migrateModels } from "projection-workers";
import { openMysqlReplicas } from "../adapters/mysql/replicas.ts";
import { createReplicaSet } from "../replicas.ts";
import { entriesFrom, openedAccount } from "./history.ts";
import { modelsOn } from "./models.ts";
import { serveQueries } from "./served.ts";
import { askAndJudge, type StaleReads, staleReadKinds } from "./stale-answers.ts";

/*
 * Reads an account while its entries are written and the replicas are stopped, delayed and exchanged. Most readers ask
 * for the newest position that any of them has seen: one replica has it then, and the other often does not.
 */

const { alice } = examples;
const READERS = 16;
/** So many wrong answers end a run. */
const FAULTS_MAX = 5;
/** Revisions per run of entries: short tests span one run or a few, long ones hundreds. */
const RUN_REVISIONS = 1000;

export type StaleReadsRun = {
  /** With two replicas. */
  readonly pair: MariadbPair;
  readonly seed: number;
  /** Stops when so many reads were answered, or after this time. */
  readonly reads: number;
  readonly forMs: number;
  /** The longest pause between two faults, in ms. At least 200. */
  readonly pauseMaxMs: number;
  /** Plants a fault: queries are asked without the position, or state that of one replica with rows of the other. */
  readonly plant?: "position ignored" | "another replica's position";
  /** Ends the run early. */
  readonly signal?: AbortSignal;
  /** Called at each fault, with the counts so far. */
  readonly tell?: (fault: string, found: StaleReads) => void;
};

export async function checkStaleReads(run: StaleReadsRun): Promise<StaleReads> {
  const { pair, seed, plant, tell = () => undefined } = run;
  const next = seeded(seed);
  const database = await pair.createDatabase();
  const writer = connectMysql({ ...pair.primary().as("writer"), database });
  await migrateModels(writer);
  const models = modelsOn(writer, writer, async () => undefined, RUN_REVISIONS);
  const opened = await models.apply([openedAccount(1, "alice"), openedAccount(3, "sam", { type: "merchant" })]);
  const first = await models.apply(entriesFrom(alice, opened + 1, 1));
  let [written, seen] = [first, first];
  const net = await openNet(pair.replicas());
  const replicas = await openReplicas(net.targets(database), plant === "another replica's position");
  const queries = await serveQueries({ reader: replicas.set });
  const found: StaleReads = { answered: 0, refused: 0, older: [], torn: [] };
  const end = performance.now() + run.forMs;
  const goesOn = () =>
    performance.now() < end &&
    !run.signal?.aborted &&
    found.answered < run.reads &&
    found.older.length + found.torn.length < FAULTS_MAX;

  async function write(): Promise<void> {
    while (goesOn()) {
      written = await models.apply(entriesFrom(alice, written + 1, 1));
      await setTimeout(1 + next(100));
    }
  }

  async function read(): Promise<void> {
    while (goesOn()) {
      const kind = staleReadKinds[next(staleReadKinds.length)];
      assert(kind, "there are kinds of reads");
      const ownWrite = next(10) === 0;
      const newest = ownWrite ? written : seen;
      const asked = Math.max(first, newest - (next(4) === 0 ? next(20) : 0));
      const waitMs = ownWrite ? next(3) * 20 : next(2) * 10;
      const asking = { kind, account: alice, asked, waitMs, withoutPosition: plant === "position ignored" };
      seen = Math.max(seen, await askAndJudge(queries, asking, found));
    }
  }

  try {
    const disturbing = disturb(net, { ...run, tell: (fault) => tell(fault, found) }, next, goesOn);
    await Promise.all([write(), disturbing, ...Array.from({ length: READERS }, read)]);
    return found;
  } finally {
    for (const replica of pair.replicas()) await replica.delay(0);
    await queries.app.close();
    await replicas.close();
    await writer.destroy();
    await net.close();
  }
}

const CONNECTIONS = 8;

async function openReplicas(targets: readonly MysqlTarget[], mixed: boolean) {
  const logger = createLogger({ level: "silent", name: "test" });
  const replicas = await openMysqlReplicas(targets, CONNECTIONS, logger);
  if (!mixed) return replicas;
  const [one, other] = targets.map((target) => connectMysql(mysqlConnection(target)));
  assert(one && other, "there are two addresses");
  const close = async () => void (await Promise.all([replicas.close(), one.destroy(), other.destroy()]));
  return { set: createReplicaSet([{ name: "both", db: () => mixedUp(one, other) }]), close };
}

/** Plants a fault: in one transaction, reads the positions from one server and the rows from the other. */
function mixedUp(positions: Knex, rows: Knex): Knex {
  const both = (there: Knex, here: Knex): Knex => {
    const raw = new Proxy(here.raw, {
      apply(_, __, [text, ...values]) {
        const db = String(text).includes(tables.modelVersions) ? there : here;
        return Reflect.apply(db.raw, db, [text, ...values]);
      },
    });
    return new Proxy(here, { get: (target, name) => (name === "raw" ? raw : Reflect.get(target, name)) });
  };
  const transaction = (work: (db: Knex) => Promise<unknown>) =>
    positions.transaction((there) => rows.transaction((here) => work(both(there, here))));
  return new Proxy(positions, {
    get: (target, name) => (name === "transaction" ? transaction : Reflect.get(target, name)),
  });
}

/** Three addresses of two replicas: one for each, and one behind which connections reach both in turn. */
async function openNet(nodes: readonly MariadbNode[]) {
  const [one, other] = nodes;
  assert(one && other, "the pair has two replicas");
  const behind = [one, other];
  let turn = 0;
  const portOf = (n: number) => behind[n % 2]?.as("reader").port ?? 0;
  const links: readonly Link[] = [
    await openLink(() => portOf(0)),
    await openLink(() => portOf(1)),
    await openLink(() => portOf(turn++)),
  ];
  return {
    /** Exchanges the replicas behind the addresses; connections are lost. */
    exchange(): void {
      behind.reverse();
      for (const link of links) link.cut();
      for (const link of links) link.mend();
    },
    targets(database: string): readonly MysqlTarget[] {
      const { user, password, tls } = one.as("reader");
      return links.map(({ port }) => ({
        ...{ kind: "mysql", host: "127.0.0.1", port, database },
        credentials: { username: user, password: { reveal: () => password } },
        ...(tls && { tls }),
      }));
    },
    close: async () => void (await Promise.all(links.map((link) => link.close()))),
  };
}

async function disturb(
  net: Awaited<ReturnType<typeof openNet>>,
  { pair, pauseMaxMs, tell }: Pick<StaleReadsRun, "pair" | "pauseMaxMs"> & { tell(fault: string): void },
  next: (below: number) => number,
  goesOn: () => boolean,
): Promise<void> {
  const replicas = pair.replicas();
  const faults: readonly (readonly [string, (replica: MariadbNode) => Promise<void>])[] = [
    ["stopped", (replica) => replica.stopApplying()],
    ["started", (replica) => replica.delay(0)],
    ["delayed by 30 s", (replica) => replica.delay(30)],
    ["started", (replica) => replica.delay(0)],
    ["exchanged", async () => net.exchange()],
  ];
  while (goesOn()) {
    const [name, play] = faults[next(faults.length)] ?? ["", async () => undefined];
    const replica = replicas[next(replicas.length)];
    assert(replica, "there are replicas");
    try {
      await play(replica);
      tell(`replica ${name}`);
    } catch (error) {
      // A busy machine may be too slow for a new connection of the admin's.
      if (!isServerAway(error)) throw error;
      tell(`replica not ${name}`);
    }
    await setTimeout(100 + next(pauseMaxMs - 100));
  }
}
