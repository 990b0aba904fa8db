import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { assert } from "../domain/errors.ts";
import { NO_REVISION, type Revision } from "../domain/position.ts";
import type { ProjectionTarget } from "../ports/projection.ts";
import { type Build, buildOf, type ProjectionStore, type RowReader, type StoreRow } from "../ports/projection-store.ts";
import { projectionTargetSuite, type TargetSamples } from "./projection-suite.ts";

/** An empty store under test. */
export type StoreUnderTest<Change> = {
  readonly store: ProjectionStore<Change>;
  /** Closes the store and reopens it on the same data. */
  reopen(): Promise<ProjectionStore<Change>>;
  dispose(): Promise<void>;
};

type Rows = Readonly<Record<string, readonly StoreRow[]>>;

/** The contract of a projection's store; every adapter passes it: `projectionStoreSuite("SQLite", samples, open)`. */
export function projectionStoreSuite<Change>(
  name: string,
  samples: TargetSamples<Change>,
  open: () => Promise<StoreUnderTest<Change>>,
): void {
  projectionTargetSuite(name, samples, async () => {
    const { store, reopen, dispose } = await open();
    let latest = store;
    return {
      target: store,
      contents: () => servedRows(latest),
      reopen: async () => {
        latest = await reopen();
        return latest;
      },
      dispose,
    };
  });

  describe(`projection store, ${name}`, () => {
    let current: StoreUnderTest<Change> | undefined;
    const opened = (): StoreUnderTest<Change> => {
      assert(current, "the store is opened before each test");
      return current;
    };
    beforeEach(async () => {
      current = await open();
    });
    afterEach(async () => {
      await current?.dispose();
    });
    const changes = (after: Revision, upTo: Revision) => samples.events.slice(after + 1, upTo + 1).flat();
    const apply = (target: ProjectionTarget<Change>, after: Revision, upTo: Revision) =>
      target.apply(0, after, upTo, changes(after, upTo));
    const second = buildOf(2);

    test("a new store serves an empty first build, and its engine finds no faults", async () => {
      const { store } = opened();
      expect(await store.served()).toEqual({ version: 1, suffix: "" });
      expect(count(await servedRows(store))).toBe(0);
      expect(await store.faults()).toEqual([]);
    });

    test("a created build is empty and is filled by itself; the served one does not change", async () => {
      const { store } = opened();
      await apply(store, NO_REVISION, 9);
      const then = await servedRows(store);
      await store.create(second);
      expect(await store.target(second).checkpoint(0)).toBe(NO_REVISION);
      await apply(store.target(second), NO_REVISION, 19);
      expect(await store.target(second).checkpoint(0)).toBe(19);
      expect([await store.served(), await store.checkpoint(0)]).toEqual([buildOf(1), 9]);
      expect(await servedRows(store)).toEqual(then);
      await apply(store, 9, 19);
      expect(await allRows(store, store.rows(second))).toEqual(await servedRows(store));
    });

    test("a dropped build leaves nothing and can be created again; a second drop does nothing", async () => {
      const { store } = opened();
      await store.drop(second);
      await store.create(second);
      await apply(store.target(second), NO_REVISION, 9);
      await store.drop(second);
      await store.drop(second);
      await store.create(second);
      expect(await store.target(second).checkpoint(0)).toBe(NO_REVISION);
      expect(count(await allRows(store, store.rows(second)))).toBe(0);
    });

    test("rows come in the order of their keys, from after a given row", async () => {
      const { store } = opened();
      await apply(store, NO_REVISION, samples.events.length - 1);
      const read = store.rows(buildOf(1));
      for (const { name: table, key } of store.tables) {
        const rows = await read(table, undefined);
        for (const [n, row] of rows.entries()) {
          expect(Object.keys(row)).toEqual(expect.arrayContaining([...key]));
          expect(await read(table, row)).toEqual(rows.slice(n + 1));
        }
      }
    });

    test("a moment does not change while the store is written", async () => {
      const { store } = opened();
      await apply(store, NO_REVISION, 9);
      const then = await servedRows(store);
      await store.atOneMoment(async (moment) => {
        expect(await moment.checkpoint(0)).toBe(9);
        await apply(store, 9, 19);
        expect(await moment.checkpoint(0)).toBe(9);
        expect(await allRows(store, moment.rows)).toEqual(then);
      });
      expect(await store.checkpoint(0)).toBe(19);
    });

    test("a switch serves the other build, also after a restart; then the old one can be dropped", async () => {
      const { store, reopen } = opened();
      await apply(store, NO_REVISION, 9);
      const then = await servedRows(store);
      await store.create(second);
      await store.switchTo(buildOf(1), second, async (inside, servedAt) => {
        expect(await servedAt(0)).toBe(9);
        await apply(inside, NO_REVISION, await servedAt(0));
      });
      expect([await store.served(), await store.checkpoint(0)]).toEqual([second, 9]);
      await store.drop(buildOf(1));
      expect(await servedRows(store)).toEqual(then);
      await apply(store, 9, 19);
      const again = await reopen();
      expect([await again.served(), await again.checkpoint(0)]).toEqual([second, 19]);
    });

    test("a failed switch leaves the served build, which then continues", async () => {
      const { store } = opened();
      await apply(store, NO_REVISION, 9);
      await store.create(second);
      const failed = store.switchTo(buildOf(1), second, async (inside) => {
        await apply(inside, NO_REVISION, 9);
        throw new RangeError("given up");
      });
      await expect(failed).rejects.toThrow("given up");
      expect([await store.served(), await store.checkpoint(0)]).toEqual([buildOf(1), 9]);
      await apply(store, 9, 19);
      expect(await store.checkpoint(0)).toBe(19);
    });

    test("a switch from a build that is not served is refused, and changes nothing", async () => {
      const { store } = opened();
      await apply(store, NO_REVISION, 9);
      const third = buildOf(3);
      await store.create(third);
      const late = store.switchTo(second, third, async () => undefined);
      await expect(late).rejects.toMatchObject({ code: "not_ready" });
      expect([await store.served(), await store.checkpoint(0)]).toEqual([buildOf(1), 9]);
    });

    test("leftovers are builds that were created, neither served nor dropped, also after a restart", async () => {
      const { store, reopen } = opened();
      await apply(store, NO_REVISION, 9);
      expect(await store.leftovers()).toEqual([]);
      await store.create(second);
      await store.create(buildOf(4));
      expect(await store.leftovers()).toEqual([second, buildOf(4)]);
      await apply(store.target(second), NO_REVISION, 9);
      await store.switchTo(buildOf(1), second, async () => undefined);
      const again = await reopen();
      expect(await again.leftovers()).toEqual([buildOf(1), buildOf(4)]);
      for (const build of await again.leftovers()) await again.drop(build);
      expect(await again.leftovers()).toEqual([]);
    });

    test("work that must be alone runs in turns", async () => {
      const { store } = opened();
      const outcomes: string[] = [];
      await store.alone(async (lost) => {
        const second = store.alone(async () => void outcomes.push("at the same time"));
        await second.catch((error) => outcomes.push(error.code));
        expect(lost.aborted).toBe(false);
      });
      expect(outcomes).toEqual(["not_ready"]);
      await expect(store.alone(() => Promise.reject(new RangeError("given up")))).rejects.toThrow("given up");
      expect(await store.alone(async () => "again")).toBe("again");
    });

    test("changes applied during a switch wait, and go to the new build", async () => {
      const { store } = opened();
      await apply(store, NO_REVISION, 9);
      await store.create(second);
      let applied: Promise<void> | undefined;
      await store.switchTo(buildOf(1), second, async (inside, servedAt) => {
        applied = apply(store, 9, 19);
        await apply(inside, NO_REVISION, await servedAt(0));
      });
      await applied;
      expect([await store.served(), await store.checkpoint(0)]).toEqual([second, 19]);
      expect(await store.target(buildOf(1)).checkpoint(0)).toBe(9);
    });
  });
}

async function servedRows<Change>(store: ProjectionStore<Change>): Promise<Rows> {
  const build: Build = await store.served();
  return allRows(store, store.rows(build));
}

async function allRows<Change>(store: ProjectionStore<Change>, read: RowReader): Promise<Rows> {
  const rows: Record<string, readonly StoreRow[]> = {};
  for (const { name } of store.tables) rows[name] = (await read(name, undefined)).map((row) => ({ ...row }));
  return rows;
}

function count(rows: Rows): number {
  return Object.values(rows).flat().length;
}
