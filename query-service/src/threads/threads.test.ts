import { Worker } from "node:worker_threads";
import { createLogger } from "ledger-core/process";
import { examples } from "ledger-core/testing";
import { expect, onTestFinished, test } from "vitest";
import type { StoreDamage } from "../damage.ts";
import type { Query, QueryOutcome } from "../query.ts";
import type { LaneLimits } from "./lane.ts";
import { openQueryThreads } from "./threads.ts";

const logger = createLogger({ level: "silent", name: "test" });
const { consumer } = examples;

function opened(limits: Partial<LaneLimits> = {}, onDamaged?: (damage: StoreDamage) => void) {
  const threads = openQueryThreads({
    start: () => new Worker(new URL("../testing/scripted-thread.ts", import.meta.url)),
    logger,
    limits,
    ...(onDamaged && { onDamaged }),
  });
  onTestFinished(() => threads.close());
  const ask = (path: string, { route = "payments", sub = "alice" } = {}) =>
    threads.run({ route, caller: consumer(sub), path, id: "", parameters: {}, required: [] } satisfies Query);
  return { threads, ask };
}

function bodyOf(outcome: QueryOutcome): { path: string; thread: number } {
  if (outcome.kind !== "answer") throw new Error("behind");
  return JSON.parse(Buffer.from(outcome.body).toString("utf8"));
}

test("lists and look-ups by key are answered by different threads, each always by its own", async () => {
  const { ask } = opened();
  const lists = await Promise.all([ask("/1"), ask("/2", { route: "accounts" })]);
  const quick = await Promise.all([ask("/3", { route: "account" }), ask("/4", { route: "session" })]);
  expect(lists.map((outcome) => bodyOf(outcome).path)).toEqual(["/1", "/2"]);
  const threads = [...lists, ...quick].map((outcome) => bodyOf(outcome).thread);
  expect(threads[0]).toBe(threads[1]);
  expect(threads[2]).toBe(threads[3]);
  expect(threads[0]).not.toBe(threads[2]);
});

test("an error of the thread is thrown here: a problem, damage with its store, and a bug", async () => {
  const damages: StoreDamage[] = [];
  const { ask } = opened({}, (damage) => damages.push(damage));
  await expect(ask("/problem")).rejects.toMatchObject({ code: "payment_not_found", headers: { "x-told": "yes" } });
  await expect(ask("/damage")).rejects.toMatchObject({ code: "row_unreadable", store: "graph" });
  expect(damages).toMatchObject([{ store: "graph", code: "row_unreadable" }]);
  await expect(ask("/bug")).rejects.toThrow("nobody expected this");
  expect(bodyOf(await ask("/after")).path).toBe("/after");
});

test("a statement that does not end costs only its own query: another thread answers those behind it", async () => {
  const { threads, ask } = opened({ queryMs: 4000 });
  const before = bodyOf(await ask("/before"));
  const endless = ask("/for-ever");
  const behind = Promise.all([ask("/1"), ask("/2", { sub: "bob" })]);
  const quick = await ask("/quick", { route: "account" });
  expect(bodyOf(quick).path).toBe("/quick");
  expect(threads.replaced()).toBe(0);
  await expect(endless).rejects.toMatchObject({ code: "store_unavailable", headers: { "retry-after": "1" } });
  const after = (await behind).map(bodyOf);
  expect(after.map(({ path }) => path).sort()).toEqual(["/1", "/2"]);
  expect(after[0]?.thread).not.toBe(before.thread);
  expect(threads.replaced()).toBe(1);
});

test("a thread that dies costs its current query", async () => {
  const { threads, ask } = opened();
  await ask("/before");
  const dead = ask("/dies");
  const behind = ask("/behind");
  await expect(dead).rejects.toMatchObject({ code: "store_unavailable" });
  expect(bodyOf(await behind).path).toBe("/behind");
  expect(threads.replaced()).toBe(1);
});

test("a caller with many queries delays another by only one query, and is refused beyond its bound", async () => {
  const { ask } = opened({ ahead: 1, queuedPerCaller: 3 });
  await ask("/start");
  const order: string[] = [];
  const noted = (path: string, sub: string) => ask(path, { sub }).then(() => order.push(path));
  const greedy = ["/slow", "/g1", "/g2", "/g3"].map((path) => noted(path, "greedy"));
  await expect(ask("/g4", { sub: "greedy" })).rejects.toMatchObject({
    code: "too_many_requests",
    headers: { "retry-after": "1" },
  });
  const modest = noted("/modest", "modest");
  await Promise.all([...greedy, modest]);
  expect(order).toEqual(["/slow", "/g1", "/modest", "/g2", "/g3"]);
});

test("if too many wait in all, the newest query of the caller with the most is refused", async () => {
  const { ask } = opened({ ahead: 1, queuedMax: 3 });
  await ask("/start");
  const held = ask("/slow", { sub: "greedy" });
  const greedy = Promise.allSettled(["/g1", "/g2", "/g3"].map((path) => ask(path, { sub: "greedy" })));
  const modest = await ask("/modest", { sub: "modest" });
  expect(bodyOf(modest).path).toBe("/modest");
  await held;
  expect((await greedy).map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
});
