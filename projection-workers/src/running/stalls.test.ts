import type { Runtime } from "ledger-core";
import { createMetrics } from "ledger-core/http";
import { expect, test } from "vitest";
import { createBoard } from "./board.ts";
import { measureProjections, projectionChecks } from "./readiness.ts";
import { watchStalls } from "./stalls.ts";

/** A clock whose timers run when it is moved, and one projection of a shard behind a log that grows by hand. */
function watched(stalledAfterMs: number) {
  let nowMs = 0;
  let head = -1;
  const timers: { readonly everyMs: number; dueMs: number; readonly task: () => void }[] = [];
  const runtime: Pick<Runtime, "elapsedMs" | "every"> = {
    elapsedMs: () => nowMs,
    every(everyMs, task) {
      timers.push({ everyMs, dueMs: everyMs, task });
      return () => timers.splice(0);
    },
  };
  const lines: string[] = [];
  const note = (_about: object, text: string) => void lines.push(text);
  const logger = { error: note, warn: note };
  const board = createBoard(1);
  const files = [{ name: "models", projections: ["models"] }];
  const places = { projections: board, files, shards: 1, head: () => head };
  const stalls = watchStalls({ ...places, names: ["models"] }, { logger, runtime, stalledAfterMs });
  const metrics = createMetrics();
  measureProjections(metrics, { ...places, stalls });
  const [check] = projectionChecks({ ...places, stalls });
  return {
    lines,
    ready: () => check?.check(),
    seconds: async () =>
      Number(/^projection_models_stalled_seconds (\S+)$/m.exec(await metrics.registry.metrics())?.[1]),
    grow: (to: number) => {
      head = to;
    },
    advance: (revision: number) => board.take({ kind: "moved", projection: "models", shard: 0, revision }),
    pass(ms: number) {
      const endMs = nowMs + ms;
      for (; nowMs < endMs; nowMs++) for (const timer of timers) if (nowMs >= timer.dueMs) run(timer, nowMs);
    },
  };
}

function run(timer: { readonly everyMs: number; dueMs: number; readonly task: () => void }, nowMs: number): void {
  timer.dueMs = nowMs + timer.everyMs;
  timer.task();
}

const LIMIT_MS = 1000 + Math.floor(Math.random() * 59_000);

test(`a projection a few events behind that does not advance is told from a busy one (${LIMIT_MS} ms)`, async () => {
  const { lines, ready, seconds, grow, advance, pass } = watched(LIMIT_MS);
  grow(9);
  for (let revision = 0; revision < 5; revision++) {
    advance(revision);
    pass(LIMIT_MS * 0.8);
    expect(ready()).toMatchObject({ ready: true });
  }
  expect(lines).toEqual([]);

  pass(LIMIT_MS * 0.4);
  expect(lines).toEqual(["projection stands still"]);
  expect(ready()?.ready).toBe(false);
  expect(ready()?.detail).toMatch(/^at 0:4, 5 behind, stands still for \d+ s$/);
  expect(await seconds()).toBeGreaterThanOrEqual(LIMIT_MS / 1000);
  pass(3 * LIMIT_MS);
  expect(lines).toHaveLength(1);

  advance(5);
  pass(LIMIT_MS / 10);
  expect(lines).toEqual(["projection stands still", "projection goes on"]);
  expect(ready()).toEqual({ ready: true, detail: "at 0:5, 4 behind" });
  expect(await seconds()).toBeLessThan(LIMIT_MS / 1000);
});

test("a projection that has all of the log does not stand still, however long nothing happens", async () => {
  const { lines, ready, seconds, grow, advance, pass } = watched(1000);
  grow(3);
  advance(3);
  pass(100_000);
  grow(4);
  pass(500);
  expect(ready()).toEqual({ ready: true, detail: "at 0:3, 1 behind" });
  expect(await seconds()).toBeLessThan(1);
  expect(lines).toEqual([]);
});
