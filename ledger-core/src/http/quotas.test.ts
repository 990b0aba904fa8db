import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Caller } from "../domain/caller.ts";
import { LedgerError } from "../domain/errors.ts";
import type { QuotaCount, QuotaCounts, QuotaWindow } from "../ports/quota-counts.ts";
import type { Runtime } from "../ports/runtime.ts";
import { createLogger } from "../process/log.ts";
import { systemRuntime } from "../process/runtime.ts";
import { createEdge } from "./edge.ts";
import { Problem } from "./problems.ts";
import { openQuotas, type QuotaOptions, type Quotas } from "./quotas.ts";

const alice: Caller = { tenant: "acme", role: "consumer", sub: "alice" };
const bob = { ...alice, sub: "bob" };
const START = 1_700_000_040_000_000;

let at: number;
const ticks: (() => void)[] = [];
const runtime: Runtime = {
  ...systemRuntime,
  now: () => at,
  every: (_ms, task) => {
    ticks.push(task);
    return () => {};
  },
};

/** Counts in memory, for the processes of a test. */
class SharedCounts implements QuotaCounts {
  readonly totals = new Map<string, number>();
  readonly sizes: number[] = [];
  away = false;

  async add({ seconds, number }: QuotaWindow, counts: readonly QuotaCount[]): Promise<readonly number[]> {
    if (this.away) throw new LedgerError("store_unavailable", "away", { retryable: true });
    this.sizes.push(counts.length);
    return counts.map(({ key, count }) => {
      const name = `${seconds} ${number} ${key}`;
      const total = (this.totals.get(name) ?? 0) + count;
      this.totals.set(name, total);
      return total;
    });
  }
  async close(): Promise<void> {}
}

const opened: Quotas[] = [];
beforeEach(() => {
  at = START;
  ticks.length = 0;
});
afterEach(async () => {
  for (const quotas of opened.splice(0)) await quotas.close();
});

function open(options: Partial<QuotaOptions>): Quotas {
  const quotas = openQuotas({ policies: { caller: { requests: 3, seconds: 60 } }, runtime, ...options });
  opened.push(quotas);
  return quotas;
}

async function exchange(): Promise<void> {
  for (const tick of ticks) tick();
  // The exchanges of these processes end within a few turns of the event loop.
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
}

function refusal(quotas: Quotas, caller = alice): Problem {
  try {
    quotas.admit(caller);
  } catch (error) {
    if (error instanceof Problem) return error;
  }
  throw new Error("the request was admitted");
}

describe("a caller", () => {
  test("gets as many requests per window as its quota, and is told what is left", () => {
    const quotas = open({});
    const policy = '"caller";q=3;w=60';
    expect(quotas.admit(alice)).toEqual({ "ratelimit-policy": policy, ratelimit: '"caller";r=2;t=60' });
    at += 12_500_000;
    expect(quotas.admit(alice)?.ratelimit).toBe('"caller";r=1;t=48');
    quotas.admit(alice);
    const { code, headers, detail } = refusal(quotas);
    expect(code).toBe("too_many_requests");
    expect(detail).toBe("This caller has used its quota of 3 requests in 60 seconds.");
    expect(headers).toEqual({ "ratelimit-policy": policy, ratelimit: '"caller";r=0;t=48', "retry-after": "48" });
    expect(quotas.admit(bob)?.ratelimit).toBe('"caller";r=2;t=48');
    at += 47_499_999;
    expect(refusal(quotas).headers["retry-after"]).toBe("1");
    at += 1;
    expect(quotas.admit(alice)?.ratelimit).toBe('"caller";r=2;t=60');
  });

  test("of another tenant, or another caller of the same name, is counted apart", () => {
    const quotas = open({ policies: { caller: { requests: 1, seconds: 1 } } });
    for (const tenant of ["acme", "acme a", "b"]) quotas.admit({ ...alice, tenant });
    refusal(quotas);
  });

  test("without a quota makes any number", () => {
    const quotas = open({ policies: {} });
    for (let n = 0; n < 1000; n++) expect(quotas.admit(alice)).toBeUndefined();
  });
});

test("a tenant's quota counts all of its callers; a refused request counts for neither", () => {
  const policies = { caller: { requests: 3, seconds: 60 }, tenant: { requests: 4, seconds: 30 } };
  const quotas = open({ policies });
  for (let n = 0; n < 3; n++) quotas.admit(alice);
  refusal(quotas);
  expect(quotas.admit(bob)).toEqual({
    "ratelimit-policy": '"caller";q=3;w=60, "tenant";q=4;w=30',
    ratelimit: '"caller";r=2;t=60, "tenant";r=0;t=30',
  });
  expect(refusal(quotas, bob).detail).toMatch(/^This tenant has used its quota of 4 requests in 30 seconds/);
  quotas.admit({ ...bob, tenant: "other" });
  at += 30_000_000;
  refusal(quotas, alice);
  expect(quotas.admit(bob)?.ratelimit).toBe('"caller";r=1;t=30, "tenant";r=3;t=30');
});

test("callers beyond the bound are not limited, and take no memory", () => {
  const quotas = open({ keysMax: 2 });
  for (const caller of [alice, bob]) quotas.admit(caller);
  for (let n = 0; n < 100; n++) for (let k = 0; k < 5; k++) quotas.admit({ ...alice, sub: `s${n}` });
  expect(quotas.uncounted).toBe(500);
  for (let n = 0; n < 2; n++) for (const caller of [alice, bob]) quotas.admit(caller);
  for (const caller of [alice, bob]) refusal(quotas, caller);
  at += 60_000_000;
  quotas.admit({ ...alice, sub: "s1" });
  expect(quotas.uncounted).toBe(500);
});

describe("several processes", () => {
  test("count together: beyond the quota come only the requests of one interval", async () => {
    const shared = new SharedCounts();
    const all = [open({ shared }), open({ shared }), open({ shared })];
    for (const quotas of all) quotas.admit(alice);
    await exchange();
    for (const quotas of all.slice(0, 2)) quotas.admit(alice);
    await exchange();
    const admitted = [...shared.totals.values()].reduce((sum, count) => sum + count, 0);
    expect(admitted).toBe(5);
    for (const quotas of all.slice(0, 2)) refusal(quotas);
    expect(shared.totals.keys().toArray()).toEqual([`60 ${START / 60_000_000} caller acme alice`]);
  });

  test("count each for itself while there is no store, and together again afterwards", async () => {
    const shared = new SharedCounts();
    const [one, two] = [open({ shared }), open({ shared })];
    shared.away = true;
    one.admit(alice);
    await exchange();
    expect(one.failures).toBe(1);
    one.admit(alice);
    two.admit(alice);
    two.admit(alice);
    await exchange();
    shared.away = false;
    await exchange();
    expect([...shared.totals.values()]).toEqual([4]);
    refusal(two);
  });

  test("exchange at most a thousand counts at once, and only what changed", async () => {
    const shared = new SharedCounts();
    const quotas = open({ shared });
    for (let n = 0; n < 2500; n++) quotas.admit({ ...alice, sub: `s${n}` });
    await exchange();
    expect(shared.sizes).toEqual([1000, 1000, 500]);
    quotas.admit(alice);
    await exchange();
    expect(shared.sizes.slice(3)).toEqual([1]);
  });
});

test("on the edge, a quota is a problem with headers; open routes and unmetered ones do not count", async () => {
  const quotas = open({ policies: { caller: { requests: 2, seconds: 60 } } });
  const app = await createEdge({
    logger: createLogger({ level: "silent", name: "test" }),
    authenticate: () => alice,
    quotas,
  });
  app.get("/things", () => ({}));
  app.get("/exit", { config: { unmetered: true } }, () => ({}));
  const get = (url: string) => app.inject({ url, headers: { authorization: "Bearer ey" } });
  for (const url of ["/livez", "/problems", "/exit"]) expect((await get(url)).headers).not.toHaveProperty("ratelimit");
  expect((await get("/things")).headers.ratelimit).toBe('"caller";r=1;t=60');
  expect((await get("/nothing")).headers).not.toHaveProperty("ratelimit");
  expect((await get("/things")).statusCode).toBe(200);
  const refused = await get("/things");
  expect(refused.statusCode).toBe(429);
  expect(refused.json()).toMatchObject({ code: "too_many_requests", status: 429 });
  expect(refused.headers).toMatchObject({
    "retry-after": "60",
    ratelimit: '"caller";r=0;t=60',
    "ratelimit-policy": '"caller";q=2;w=60',
    "content-type": "application/problem+json",
  });
  expect((await get("/exit")).statusCode).toBe(200);
  await app.close();
});
