import { findMariadb } from "ledger-core/testing";
import { type MariadbPair, startMariadbPair } from "ledger-core/testing/engines/mariadb-pair";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkStaleReads } from "./testing/stale-reads.ts";

const source = await findMariadb();
const seed = Date.now() % 1_000_000;

describe.skipIf(source.kind !== "local")(`reads of replicas that stop, lag and are exchanged, seed ${seed}`, () => {
  let pair: MariadbPair;
  beforeAll(async () => {
    if (source.kind !== "local") throw new Error("skipped otherwise");
    pair = await startMariadbPair(source.local, 2);
  });
  afterAll(() => pair.stop());
  const unhurried = { timeout: 600_000 };
  const run = () => ({ pair, seed, reads: 1000, forMs: 60_000, pauseMaxMs: 500 });
  const planted = () => ({ ...run(), reads: 100_000 });

  test("no answer is older than asked for, and each has the rows of its position", unhurried, async () => {
    const { answered, older, torn } = await checkStaleReads(run());
    expect({ older, torn }).toEqual({ older: [], torn: [] });
    expect(answered).toBeGreaterThan(0);
  });

  test("queries that are asked without the position are found", unhurried, async () => {
    const { older } = await checkStaleReads({ ...planted(), plant: "position ignored" });
    expect(older.length).toBeGreaterThan(0);
  });

  test("the position of one replica over the rows of another is found", unhurried, async () => {
    const { torn } = await checkStaleReads({ ...planted(), plant: "another replica's position" });
    expect(torn.length).toBeGreaterThan(0);
  });
});
