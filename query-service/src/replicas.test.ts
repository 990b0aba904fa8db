import { LedgerError, type Position } from "ledger-core";
import { connectSqlite } from "ledger-core/sql";
import { expect, onTestFinished, test } from "vitest";
import { reached } from "./positions.ts";
import { createReplicaSet } from "./replicas.ts";

type State = { at: number; fault?: Error };

/** Replicas at positions that a test moves; `read` answers where it was read. */
function opened(...states: readonly State[]) {
  const stores = states.map((state, n) => ({ name: `r${n}`, state, db: connectSqlite({ file: ":memory:" }) }));
  onTestFinished(async () => void (await Promise.all(stores.map(({ db }) => db.destroy()))));
  const clock = { ms: 0 };
  const set = createReplicaSet(
    stores.map(({ name, db }) => ({ name, db: () => db })),
    { elapsedMs: () => clock.ms },
  );
  const asked: string[] = [];
  const positionsOf = (db: unknown): readonly Position[] => {
    const store = stores.find((one) => one.db === db);
    if (!store) throw new RangeError("a read gets a replica's connection");
    asked.push(store.name);
    if (store.state.fault) throw store.state.fault;
    return [{ shard: 0, revision: store.state.at }];
  };
  return {
    ...{ set, asked, clock },
    read: (revision: number) =>
      set.read([{ shard: 0, revision }], async (db, note) => {
        const positions = positionsOf(db);
        note(positions);
        return reached(positions, [{ shard: 0, revision }]) ? positions[0]?.revision : undefined;
      }),
    poll: () => set.positions(async (db) => positionsOf(db)),
  };
}

const gone = () => Object.assign(new Error("refused"), { code: "ECONNREFUSED" });

test("a read goes to a replica that is far enough, and is behind only if none is", async () => {
  const { read, asked } = opened({ at: 5 }, { at: 9 });
  for (let n = 0; n < 4; n++) expect(await read(8)).toBe(9);
  // Once known, the one that is behind is not asked again.
  expect(asked.filter((name) => name === "r0")).toHaveLength(1);
  expect(await read(10)).toBeUndefined();
});

test("reads take turns among those that are far enough", async () => {
  const { read, asked } = opened({ at: 9 }, { at: 9 });
  for (let n = 0; n < 4; n++) await read(9);
  expect(asked).toEqual(["r0", "r1", "r0", "r1"]);
});

test("a replica exchanged for one further behind is noticed by the read itself", async () => {
  const states: [State, State] = [{ at: 9 }, { at: 3 }];
  const { read } = opened(...states);
  expect(await read(9)).toBe(9);
  states[0].at = 2;
  expect(await read(9)).toBeUndefined();
  states[1].at = 9;
  expect(await read(9)).toBe(9);
});

test("a replica that is away is left out until a poll finds it again; without any, the fault is told", async () => {
  const states: [State, State] = [{ at: 9 }, { at: 9 }];
  const { set, read, poll, asked } = opened(...states);
  states[0].fault = gone();
  for (let n = 0; n < 4; n++) expect(await read(9)).toBe(9);
  expect(asked.filter((name) => name === "r0")).toHaveLength(1);
  expect(set.states()).toEqual([
    { name: "r0", away: true },
    { name: "r1", away: false },
  ]);
  states[1].fault = gone();
  await expect(read(9)).rejects.toThrow("refused");
  await expect(poll()).rejects.toThrow("refused");
  delete states[0].fault;
  expect(await poll()).toEqual([{ shard: 0, revision: 9 }]);
  expect(await read(9)).toBe(9);
});

test("a fault of the query is not a fault of the replica", async () => {
  const states: [State, State] = [{ at: 9 }, { at: 9 }];
  const { set, read } = opened(...states);
  const bug = new LedgerError("row_unreadable", "a row");
  for (const state of states) state.fault = bug;
  await expect(read(9)).rejects.toBe(bug);
  expect(set.states().every(({ away }) => !away)).toBe(true);
});

test("right after a poll found all behind, reads cost no transaction until the next poll or for 20 ms", async () => {
  const states: [State, State] = [{ at: 5 }, { at: 6 }];
  const { read, poll, asked, clock } = opened(...states);
  await poll();
  clock.ms = 19;
  for (let n = 0; n < 100; n++) expect(await read(8)).toBeUndefined();
  expect(asked).toHaveLength(2);
  expect(await read(5)).toBe(5);
  states[0].at = 8;
  await poll();
  expect(await read(8)).toBe(8);
  states[1].at = 9;
  clock.ms = 39;
  expect(await read(9)).toBe(9);
});
