import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { assert } from "ledger-core";
import { openSqliteLog } from "ledger-core/event-log";
import { connectMysql } from "ledger-core/sql";
import { findMariadb, type Mariadb, randomHistory, startMariadb } from "ledger-core/testing";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { makeSqlProjections, migrateModels } from "../../projections/list.ts";
import type { RebuildState } from "../../running/rebuild-state.ts";
import { playLateWorker, unfenced } from "../../testing/late-worker.ts";
import { buildsOf, rebuildFrom, serverRebuildSuite, startWorker } from "../../testing/rebuild-suite.ts";
import { appendAll, modelRows, testFolder } from "../../testing/stores.ts";
import { sqlServer } from "./server.ts";

const source = await findMariadb();
/** So short that a history spans several. */
const RUN = 64;

describe.skipIf(source.kind === "none")(source.kind === "none" ? source.reason : "MariaDB", () => {
  let mariadb: Mariadb;
  beforeAll(async () => {
    mariadb = await startMariadb(source);
  });
  afterAll(() => mariadb.stop());

  async function migrated() {
    const connection = await mariadb.createDatabase();
    const connect = () => connectMysql({ ...connection, pool: { min: 0, max: 4 } });
    const db = connect();
    onTestFinished(() => db.destroy());
    await migrateModels(db);
    const [model] = makeSqlProjections(RUN);
    assert(model, "the models are a projection");
    return { db, connection, server: sqlServer(model, connect) };
  }

  serverRebuildSuite("MariaDB", async () => {
    const { server } = await migrated();
    // The lock of a killed process ends with its connection.
    return { server, killedRebuild: async () => undefined };
  });

  const unhurried = { timeout: 180_000 };

  test("a worker that another has overtaken is refused and goes on from where the models are", unhurried, async () => {
    const { db, server } = await migrated();
    expect(await playLateWorker(server, RUN, () => modelRows(db))).toEqual([]);
  });

  test("a planted fault is found: a checkpoint that is not fenced", unhurried, async () => {
    const { db, server } = await migrated();
    expect(await playLateWorker(unfenced(server), RUN, () => modelRows(db))).not.toEqual([]);
  });

  const child = fileURLToPath(new URL("../../testing/rebuild-child.ts", import.meta.url));

  /** Rebuilds in a process of its own, which is killed at a step. */
  async function rebuildKilledAt(step: string, options: object): Promise<void> {
    const argument = JSON.stringify({ ...options, run: RUN, step });
    const rebuilding = spawn(process.execPath, [child, argument], { stdio: ["ignore", "inherit", "inherit"] });
    onTestFinished(() => void rebuilding.kill("SIGKILL"));
    const [, signal] = await once(rebuilding, "exit");
    expect(signal, step).toBe("SIGKILL");
  }

  test("a rebuild killed at any step: the live build goes on, and the next one cleans up", unhurried, async () => {
    const { db, connection, server } = await migrated();
    const file = join(await testFolder(), "events.sqlite");
    const log = await openSqliteLog({ file, shared: true });
    onTestFinished(() => log.close());
    const worker = startWorker(log, server);
    onTestFinished(worker.stop);
    const history = randomHistory(14, 800);
    let appended = 0;
    const advance = async () => {
      await appendAll(log, history.slice(appended, appended + 20));
      appended += 20;
      await worker.reaches(appended - 1);
    };
    await advance();
    const before = ["created", "written, but not committed", "filled", "compared", "caught up, but not switched"];
    for (const step of [...before, "served, but not shown", "shown"]) {
      const builds = await buildsOf(server);
      await rebuildKilledAt(step, { file, connection });
      await advance();
      const killed = await buildsOf(server);
      expect(killed?.served, step).toBe((builds?.served ?? 0) + (before.includes(step) ? 0 : 1));
      expect(killed?.leftovers, step).toHaveLength(1);
      // The server holds the killed one's lock until it has noticed the end of its connection.
      const again = await vi.waitUntil(
        async () => {
          const ended = await rebuildFrom(server, log);
          return isHeld(ended) ? undefined : ended;
        },
        { timeout: 60_000 },
      );
      expect(again, step).toMatchObject({ status: "done", differing: 0 });
      expect((await buildsOf(server))?.leftovers, step).toEqual([]);
    }
    await advance();
    expect(worker.halted()).toBeUndefined();
    await db.raw("SELECT * FROM v_payments");
  });

  test("views show the served build before the one that they showed is dropped", unhurried, async () => {
    const { db, connection, server } = await migrated();
    const file = join(await testFolder(), "events.sqlite");
    const log = await openSqliteLog({ file, shared: true });
    onTestFinished(() => log.close());
    await appendAll(log, randomHistory(15, 80).slice(0, 20));
    await rebuildKilledAt("served, but not shown", { file, connection });
    const opened = await server.open();
    for (const { use } of opened.projections)
      await use(async (_, store) => {
        for (const build of await store.leftovers()) await store.drop(build);
      });
    await opened.close();
    await db.raw("SELECT * FROM v_payments");
  });
});

function isHeld({ status, detail }: RebuildState): boolean {
  return status === "failed" && detail.includes("another rebuild is under way");
}
