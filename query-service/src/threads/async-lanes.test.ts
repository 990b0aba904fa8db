import { examples } from "ledger-core/testing";
import { expect, test } from "vitest";
import { answered, type Query } from "../query.ts";
import { asyncLaneLimits, createAsyncLanes } from "./async-lanes.ts";

const { consumer } = examples;

/** Lanes over a store in which queries wait until a test lets them go. */
function opened(limits: Partial<typeof asyncLaneLimits> = {}) {
  const begun: string[] = [];
  const waiting = new Map<string, () => void>();
  const run = createAsyncLanes(
    async ({ path }) => {
      begun.push(path);
      await new Promise<void>((resolve) => waiting.set(path, resolve));
      return answered([], { path });
    },
    { ...asyncLaneLimits, concurrent: { quick: 1, list: 1 }, ...limits },
  );
  const ask = (path: string, { route = "payments", sub = "alice" } = {}) =>
    run({ route, caller: consumer(sub), path, id: "", parameters: {}, required: [] } satisfies Query);
  const end = async (path: string, asked: Promise<unknown>) => {
    waiting.get(path)?.();
    await asked;
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { begun, ask, end };
}

test("a list that does not end leaves reads by key alone", async () => {
  const { begun, ask, end } = opened();
  const list = ask("/list");
  const queued = ask("/next");
  const quick = ask("/quick", { route: "account" });
  expect(begun).toEqual(["/list", "/quick"]);
  await end("/quick", quick);
  await end("/list", list);
  expect(begun).toEqual(["/list", "/quick", "/next"]);
  await end("/next", queued);
});

test("callers take turns, and one with too many is refused", async () => {
  const { begun, ask, end } = opened({ queuedPerCaller: 2 });
  const all = ["/1", "/2", "/3"].map((path) => [path, ask(path)] as const);
  await expect(ask("/4")).rejects.toMatchObject({ code: "too_many_requests" });
  all.splice(2, 0, ["/bob", ask("/bob", { sub: "bob" })]);
  for (const [path, asked] of all) await end(path, asked);
  expect(begun).toEqual(["/1", "/2", "/bob", "/3"]);
});

test("with too many waiting, the newest of the caller with the most is dropped", async () => {
  const { ask, end } = opened({ queuedMax: 2 });
  const first = ask("/1");
  const second = ask("/2");
  const dropped = ask("/3");
  const refused = expect(dropped).rejects.toMatchObject({ code: "overloaded" });
  const other = ask("/bob", { sub: "bob" });
  await refused;
  await end("/1", first);
  await end("/2", second);
  await end("/bob", other);
});

test("a query that takes too long is answered, and keeps its place until it ends", async () => {
  const { begun, ask, end } = opened({ queryMs: 10 });
  const slow = ask("/slow");
  await expect(slow).rejects.toMatchObject({ code: "store_unavailable" });
  const next = ask("/next");
  expect(begun).toEqual(["/slow"]);
  await end(
    "/slow",
    slow.catch(() => undefined),
  );
  expect(begun).toEqual(["/slow", "/next"]);
  await end("/next", next);
});
