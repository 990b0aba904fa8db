import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Revocation, RevocationCursor, RevocationStore } from "../ports/revocations.ts";

/** An empty store under test, and further processes on the same data. */
export type RevocationsUnderTest = {
  readonly store: RevocationStore;
  /** Another process that only reads. */
  reader(): RevocationStore;
  /** The writer after a restart. */
  reopen(): Promise<RevocationStore>;
  /** Loses everything that the store holds. */
  lose(): Promise<void>;
  dispose(): Promise<void>;
};

const NOW = 1_700_000_000_000_000;
const HOUR_US = 3_600_000_000;

function revocation(id: string, more: Partial<Revocation> = {}): Revocation {
  return { tenant: "t", id, revokedAt: NOW, until: NOW + HOUR_US, ...more };
}

/** Everything after a cursor, page by page. */
async function readAll(store: RevocationStore, after?: RevocationCursor) {
  const revocations: Revocation[] = [];
  for (let cursor = after; ; ) {
    const page = await store.read(cursor);
    revocations.push(...page.revocations);
    cursor = page.cursor;
    if (!page.more) return { revocations, cursor };
  }
}

/** The contract of a store of revocations; every adapter passes it. Its pages hold three revocations. */
export function revocationSuite(name: string, open: () => Promise<RevocationsUnderTest>): void {
  describe(`revocations, ${name}`, () => {
    let under: RevocationsUnderTest;
    let store: RevocationStore;
    beforeEach(async () => {
      under = await open();
      store = under.store;
    });
    afterEach(() => under.dispose());

    test("an empty store has none", async () => {
      expect((await readAll(store)).revocations).toEqual([]);
      expect((await readAll(under.reader())).revocations).toEqual([]);
    });

    test("what is added is read by every process, after a restart too", async () => {
      const all = ["a", "b", "c", "d", "e", "f", "g"].map((id) => revocation(id));
      for (const one of all) expect(await store.add(one)).toEqual(one);
      expect((await readAll(under.reader())).revocations).toEqual(all);
      expect((await readAll(await under.reopen())).revocations).toEqual(all);
    });

    test("a cursor continues where the last page ended", async () => {
      const reader = under.reader();
      await store.add(revocation("a"));
      const first = await readAll(reader);
      expect((await readAll(reader, first.cursor)).revocations).toEqual([]);
      await store.add(revocation("b"));
      expect((await readAll(reader, first.cursor)).revocations).toEqual([revocation("b")]);
    });

    test("a repeat changes nothing; a longer one is kept longer, and readers see it", async () => {
      const short = await store.add(revocation("a"));
      await store.add(revocation("b"));
      const { cursor } = await readAll(store);
      expect(await store.add(revocation("a", { revokedAt: NOW + 9, until: NOW + 10 }))).toEqual(short);
      expect((await readAll(store, cursor)).revocations).toEqual([]);
      const longer = { ...short, until: short.until + 1 };
      expect(await store.add(revocation("a", { revokedAt: NOW + 9, until: longer.until }))).toEqual(longer);
      expect((await readAll(store, cursor)).revocations).toEqual([longer]);
      expect((await readAll(store)).revocations).toHaveLength(2);
    });

    test("the same id of another tenant is another revocation", async () => {
      const both = [revocation("a"), revocation("a", { tenant: "u", until: NOW + 2 * HOUR_US })];
      for (const one of both) await store.add(one);
      expect((await readAll(store)).revocations).toEqual(both);
    });

    test("ids and tenants of any characters that they may have are told apart", async () => {
      const all = ["a:b", "a", "a|b", "%2F", "~", "=@+", "x".repeat(100)].flatMap((id) =>
        ["t", "t:a", "t:a:b", "@._-"].map((tenant) => revocation(id, { tenant })),
      );
      for (const one of all) await store.add(one);
      const sort = (list: readonly Revocation[]) => list.map((one) => JSON.stringify(one)).sort();
      expect(sort((await readAll(store)).revocations)).toEqual(sort(all));
    });

    test("those that expired before a time are dropped, no others", async () => {
      for (const [n, id] of ["a", "b", "c", "d", "e"].entries()) await store.add(revocation(id, { until: NOW + n }));
      expect(await store.dropExpired(NOW + 2)).toBe(3);
      expect((await readAll(store)).revocations.map(({ id }) => id)).toEqual(["c", "d", "e"]);
      await store.add(revocation("a"));
      expect((await readAll(store)).revocations.map(({ id }) => id)).toEqual(["c", "d", "e", "a"]);
    });

    test("a store that lost everything has another generation, and is read from the start", async () => {
      await store.add(revocation("a"));
      await store.add(revocation("b"));
      const { cursor } = await readAll(store);
      await under.lose();
      await store.add(revocation("c"));
      const after = await readAll(store, cursor);
      expect(after.revocations).toEqual([revocation("c")]);
      expect(after.cursor.generation).not.toBe(cursor.generation);
      expect((await readAll(under.reader(), cursor)).revocations).toEqual([revocation("c")]);
    });

    test("two that add the same at once keep one", async () => {
      const kept = await Promise.all(
        Array.from({ length: 20 }, (_, n) => store.add(revocation("a", { until: NOW + n }))),
      );
      expect(kept.at(-1)?.until).toBe(NOW + 19);
      expect((await readAll(store)).revocations).toEqual([revocation("a", { until: NOW + 19 })]);
    });
  });
}
