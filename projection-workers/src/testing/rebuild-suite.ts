import { buildOf, type LedgerEvent, NO_REVISION } from "ledger-core";
import type { EventLog, EventSource } from "ledger-core/event-log";
import { openTestLog, randomHistory } from "ledger-core/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import type { StoreServer } from "../projections/store-server.ts";
import { rebuildOnServer } from "../rebuild/server-rebuild.ts";
import { createBoard, nextMove } from "../running/board.ts";
import { keepProjections } from "../running/keep-projections.ts";
import { newRebuild, type RebuildState } from "../running/rebuild-state.ts";
import { gatedLog } from "./gated-log.ts";
import { appendAll, quiet } from "./stores.ts";

/** A server with a complete and empty store, as one process after another opens it. */
export type RebuiltServer = {
  /** A connection of its own at each opening. */
  readonly server: StoreServer;
  /** Leaves behind what a process does that was killed while it rebuilt. */
  killedRebuild(): Promise<void>;
};

const HALF = 100;

/** The required behavior of a rebuild in a server that other processes use; run for MariaDB and for Gremlin. */
export function serverRebuildSuite(name: string, open: () => Promise<RebuiltServer>): void {
  describe(`rebuild on a server, ${name}`, { timeout: 180_000 }, () => {
    async function live(events: readonly LedgerEvent[]) {
      const { server, killedRebuild } = await open();
      const { log } = await openTestLog();
      await appendAll(log, events.slice(0, HALF));
      const worker = startWorker(log, server);
      onTestFinished(worker.stop);
      await worker.reaches(HALF - 1);
      return { server, killedRebuild, log, worker };
    }

    test("it runs beside another process, which goes on in the new build; a second one is refused", async () => {
      const events = history(11, 2 * HALF);
      const { server, log, worker } = await live(events);
      const gated = gatedLog(log, HALF / 2);
      const first = rebuildFrom(server, gated.log);
      await gated.arrived;
      const second = await rebuildFrom(server, log);
      expect(second).toMatchObject({ status: "failed" });
      expect(second.detail).toMatch(/^not_ready: .*another rebuild is under way/);
      await appendAll(log, events.slice(HALF, HALF + HALF / 2));
      await worker.reaches(HALF + HALF / 2 - 1);
      gated.open();
      expect(await first).toMatchObject({ status: "done", differing: 0 });
      await appendAll(log, events.slice(HALF + HALF / 2));
      await worker.reaches(2 * HALF - 1);
      expect(worker.halted()).toBeUndefined();
      expect(await buildsOf(server)).toEqual({ served: 2, leftovers: [] });
      // Every row that the worker has written since then equals the log.
      const again = await rebuildFrom(server, log);
      expect(again).toMatchObject({ status: "done", done: 2 * HALF, differing: 0 });
      expect(again.rows).toBeGreaterThan(0);
      expect(again.detail).toMatch(/^version 3 serves; \d+ rows compared, equal to those before; 200 events in /);
    });

    test("a killed rebuild is cleaned up by the next one, and its version is not used again", async () => {
      const { server, killedRebuild, log } = await live(history(12, HALF));
      const opened = await server.open();
      for (const { use } of opened.projections)
        await use(async (_projection, store) => {
          await store.create(buildOf(4));
          await store.target(buildOf(4)).apply(0, NO_REVISION, 3, []);
        });
      await opened.close();
      await killedRebuild();
      expect(await buildsOf(server)).toEqual({ served: 1, leftovers: [4] });
      expect(await rebuildFrom(server, log)).toMatchObject({ status: "done", differing: 0 });
      expect(await buildsOf(server)).toEqual({ served: 5, leftovers: [] });
    });

    test("one that is given up leaves nothing, and the live build goes on", async () => {
      const events = history(13, 2 * HALF);
      const { server, log, worker } = await live(events);
      const stop = new AbortController();
      const gated = gatedLog(log, HALF / 2);
      let last = newRebuild(server.name);
      const tell = (state: RebuildState) => {
        last = state;
      };
      const options = { log: gated.log, shards: [0], logger: quiet, signal: stop.signal, tell };
      const given = rebuildOnServer(server, options);
      await gated.arrived;
      stop.abort();
      gated.open();
      await given;
      expect(last).toMatchObject({ status: "failed", detail: "given up: it was stopped" });
      expect(await buildsOf(server)).toEqual({ served: 1, leftovers: [] });
      await appendAll(log, events.slice(HALF));
      await worker.reaches(2 * HALF - 1);
    });
  });
}

/** Rebuilds, and returns how it ended. */
export async function rebuildFrom(server: StoreServer, log: EventSource): Promise<RebuildState> {
  let last = newRebuild(server.name);
  const tell = (state: RebuildState) => {
    last = state;
  };
  await rebuildOnServer(server, { log, shards: [0], logger: quiet, tell });
  return last;
}

export async function buildsOf(server: StoreServer) {
  const opened = await server.open();
  try {
    const [projected] = opened.projections;
    return await projected?.use(async (_projection, store) => ({
      served: (await store.served()).version,
      leftovers: (await store.leftovers()).map(({ version }) => version),
    }));
  } finally {
    await opened.close();
  }
}

function history(seed: number, events: number): readonly LedgerEvent[] {
  return randomHistory(seed, 4 * events).slice(0, events);
}

/** A process of projections. */
export function startWorker(log: EventLog, server: StoreServer) {
  const [projection = ""] = server.projections;
  const board = createBoard(1);
  const retryMs = { first: 10, most: 200 };
  const kept = keepProjections({
    ...{ dir: "", files: [], servers: [server], log, shards: [0], logger: quiet, tell: board.take },
    ...{ keeper: { retryMs }, tuning: { retryMs } },
  });
  const halted = () => [board.trouble(projection, 0)].find((trouble) => trouble?.startsWith("halted"));
  return {
    halted,
    async reaches(head: number): Promise<void> {
      await kept.tried;
      while (board.revision(projection, 0) < head && halted() === undefined) await nextMove(board);
    },
    async stop(): Promise<void> {
      kept.obey({ kind: "stop" });
      await kept.finished;
    },
  };
}
