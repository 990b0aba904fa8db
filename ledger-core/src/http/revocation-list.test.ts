import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { LedgerError } from "../domain/errors.ts";
import type { Revocation, RevocationPage, RevocationStore } from "../ports/revocations.ts";
import type { Runtime } from "../ports/runtime.ts";
import { systemRuntime } from "../process/runtime.ts";
import { followRevocations, type RevocationList, type RevocationListOptions } from "./revocation-list.ts";

const START = 1_700_000_000_000_000;
const HOUR_US = 3_600_000_000;
const revoked = { name: "Problem", code: "unauthorized" };
const unavailable = { name: "LedgerError", code: "revocations_unavailable" };
const operator = { operator: true };

/** A store whose faults the test sets; its pages hold two revocations. */
class FaultyStore implements RevocationStore {
  kept: Revocation[] = [];
  generation = "first";
  away = false;

  async add(revocation: Revocation): Promise<Revocation> {
    this.answer();
    this.kept.push(revocation);
    return revocation;
  }
  async read(after?: { readonly generation: string; readonly sequence: number }): Promise<RevocationPage> {
    this.answer();
    const { generation } = this;
    const from = after?.generation === generation ? after.sequence : 0;
    const revocations = this.kept.slice(from, from + 2);
    const sequence = from + revocations.length;
    return { revocations, cursor: { generation, sequence }, more: sequence < this.kept.length };
  }
  async dropExpired(before: number): Promise<number> {
    this.answer();
    this.kept = this.kept.filter(({ until }) => until >= before);
    return this.kept.length;
  }
  async close(): Promise<void> {}

  private answer(): void {
    if (this.away) throw new LedgerError("revocations_unavailable", "away", { retryable: true });
  }
}

let store: FaultyStore;
let at: { us: number; ms: number };
let tick: () => void;
const opened: RevocationList[] = [];

const runtime: Runtime = {
  ...systemRuntime,
  now: () => at.us,
  elapsedMs: () => at.ms,
  every: (_ms, task) => {
    tick = task;
    return () => {};
  },
};

beforeEach(() => {
  store = new FaultyStore();
  at = { us: START, ms: 0 };
});
afterEach(async () => {
  for (const list of opened.splice(0)) await list.close();
});

function follow(options: Partial<RevocationListOptions> = {}): RevocationList {
  const list = followRevocations({ store, writes: true, runtime, maxAgeMs: 1000, ...options });
  opened.push(list);
  return list;
}

/** Lets time pass, and the next read end. */
async function pass(list: RevocationList, ms: number): Promise<void> {
  at = { us: at.us + ms * 1000, ms: at.ms + ms };
  tick();
  await list.refresh().catch(() => undefined);
}

function revocation(id: string, until = START + HOUR_US): Revocation {
  return { tenant: "t", id, revokedAt: START, until };
}

describe("a token is refused", () => {
  test("from its revocation on, by its own id or its session's, of its tenant alone", async () => {
    const list = follow();
    await list.refresh();
    list.check("t", ["a", "s"]);
    await list.revoke(revocation("a"), operator);
    await list.revoke(revocation("s2"), operator);
    expect(() => list.check("t", ["a"])).toThrow(expect.objectContaining(revoked));
    expect(() => list.check("t", ["b", "s2"])).toThrow(expect.objectContaining(revoked));
    list.check("t", ["b", "s"]);
    list.check("u", ["a"]);
    expect(list.size).toBe(2);
  });

  test("when another process revoked it, after the next read; the version changes with it", async () => {
    const list = follow();
    await list.refresh();
    const { version } = list;
    await pass(list, 250);
    expect(list.version).toBe(version);
    store.kept.push(revocation("a"), revocation("b"), revocation("c"));
    await pass(list, 250);
    expect(list.version).not.toBe(version);
    for (const id of ["a", "b", "c"]) expect(() => list.check("t", [id])).toThrow(expect.objectContaining(revoked));
  });

  test("before the list was ever read", async () => {
    store.away = true;
    const list = follow();
    await list.refresh().catch(() => undefined);
    expect(() => list.check("t", [])).toThrow(expect.objectContaining(unavailable));
    expect(list.readiness.check()).toMatchObject({ ready: false });
    store.away = false;
    await pass(list, 250);
    list.check("t", ["a"]);
    expect(list.readiness.check()).toEqual({ ready: true, detail: "0 revoked sessions" });
  });
});

test("an old list is trusted up to its age, then no token is accepted, and later all are again", async () => {
  const onFault = vi.fn();
  const list = follow({ onFault });
  await list.refresh();
  await list.revoke(revocation("a"), operator);
  store.away = true;
  await pass(list, 500);
  list.check("t", ["b"]);
  await pass(list, 499);
  list.check("t", ["b"]);
  await pass(list, 1);
  expect(() => list.check("t", ["b"])).toThrow(expect.objectContaining(unavailable));
  expect(list.version).toBeNaN();
  await expect(list.revoke(revocation("b"), operator)).rejects.toMatchObject(unavailable);
  expect(onFault).toHaveBeenCalledTimes(1);
  store.away = false;
  await pass(list, 250);
  list.check("t", ["b"]);
  expect(() => list.check("t", ["a"])).toThrow(expect.objectContaining(revoked));
});

describe("a revocation", () => {
  test("is kept until every clock says that its tokens have expired, and is then dropped", async () => {
    const list = follow({ dropEveryMs: 1000, skewMs: 5000 });
    await list.refresh();
    await list.revoke(revocation("short", START + 2_000_000), operator);
    await list.revoke(revocation("long"), operator);
    await pass(list, 6999);
    expect(() => list.check("t", ["short"])).toThrow(expect.objectContaining(revoked));
    await pass(list, 1001);
    list.check("t", ["short"]);
    expect(() => list.check("t", ["long"])).toThrow(expect.objectContaining(revoked));
    expect(list.size).toBe(1);
    expect(store.kept.map(({ id }) => id)).toEqual(["long"]);
  });

  test("that is repeated is answered like the first, and does not reach the store", async () => {
    const list = follow();
    const first = await list.revoke(revocation("a"), operator);
    expect(await list.revoke({ ...revocation("a"), revokedAt: START + 5 }, operator)).toBe(first);
    expect(store.kept).toHaveLength(1);
  });

  test("is written again to a store that lost it", async () => {
    const list = follow();
    for (const id of ["a", "b", "c"]) await list.revoke(revocation(id), operator);
    await pass(list, 250);
    Object.assign(store, { kept: [], generation: "second" });
    await pass(list, 250);
    expect(store.kept.map(({ id }) => id)).toEqual(["a", "b", "c"]);
    expect(() => list.check("t", ["a"])).toThrow(expect.objectContaining(revoked));
  });

  test("is written again when the store fails meanwhile, and not by a process that only reads", async () => {
    const list = follow();
    await list.revoke(revocation("a"), operator);
    await pass(list, 250);
    Object.assign(store, { kept: [], generation: "second" });
    const reader = follow({ writes: false });
    await pass(reader, 250);
    expect(store.kept).toEqual([]);
    const add = vi.spyOn(store, "add").mockRejectedValueOnce(new LedgerError("revocations_unavailable", "away"));
    await list.refresh().catch(() => undefined);
    expect(store.kept).toEqual([]);
    await list.refresh();
    expect(store.kept).toHaveLength(1);
    expect(add).toHaveBeenCalledTimes(2);
  });
});

test("what a store lost before any read found it is written again at the next read", async () => {
  const list = follow();
  for (const id of ["a", "b"]) await list.revoke(revocation(id), operator);
  await pass(list, 250);
  await list.revoke(revocation("c"), operator);
  // It came back without its last write: the same generation, and nothing new.
  store.kept = store.kept.slice(0, 2);
  await pass(list, 250);
  expect(store.kept.map(({ id }) => id).sort()).toEqual(expect.arrayContaining(["a", "b", "c"]));
  const { length } = store.kept;
  await pass(list, 250);
  await pass(list, 250);
  expect(store.kept).toHaveLength(length);
});

test("a revocation that a read finds before its acknowledgement is not taken for lost", async () => {
  const list = follow();
  await list.refresh();
  const acknowledged = Promise.withResolvers<void>();
  vi.spyOn(store, "add").mockImplementationOnce(async (one) => {
    store.kept.push(one);
    await acknowledged.promise;
    return one;
  });
  const revoked = list.revoke(revocation("a"), operator);
  await pass(list, 250);
  acknowledged.resolve();
  await revoked;
  await pass(list, 250);
  expect(store.kept).toHaveLength(1);
});

test("what a store lost without anybody's notice is written again within `dropEveryMs`", async () => {
  const list = follow({ dropEveryMs: 1000 });
  for (const id of ["a", "b"]) await list.revoke(revocation(id), operator);
  await pass(list, 250);
  // It came back without its last write, and has another since.
  store.kept = [revocation("a"), revocation("c")];
  await pass(list, 250);
  await list.revoke(revocation("d"), operator);
  store.kept = store.kept.filter(({ id }) => id !== "a");
  await pass(list, 1000);
  expect(store.kept.map(({ id }) => id).sort()).toEqual(expect.arrayContaining(["a", "b", "d"]));
});

describe("room", () => {
  const full = { name: "Problem", code: "too_many_requests", headers: { "retry-after": "60" } };

  test("of a tenant: a quarter is left for operators; none is dropped to make some", async () => {
    const list = follow({ tenantMax: 8 });
    for (let n = 0; n < 6; n++) await list.revoke(revocation(`own${n}`), { operator: false });
    await expect(list.revoke(revocation("one more"), { operator: false })).rejects.toMatchObject(full);
    for (let n = 0; n < 2; n++) await list.revoke(revocation(`op${n}`), operator);
    await expect(list.revoke(revocation("one more"), operator)).rejects.toMatchObject(full);
    // A token can be revoked again, and another tenant has its own room.
    await list.revoke(revocation("own0"), operator);
    await list.revoke({ ...revocation("own0"), tenant: "u" }, operator);
    for (const id of ["own0", "op1"]) expect(() => list.check("t", [id])).toThrow(expect.objectContaining(revoked));
  });

  test("of all tenants", async () => {
    const list = follow({ allMax: 4 });
    for (const tenant of ["a", "b", "c", "d"]) await list.revoke({ ...revocation("x"), tenant }, operator);
    const refused = list.revoke({ ...revocation("x"), tenant: "e" }, operator);
    await expect(refused).rejects.toMatchObject({ code: "overloaded", headers: { "retry-after": "60" } });
  });
});
