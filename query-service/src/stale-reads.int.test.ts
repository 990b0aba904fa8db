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
  const run = () => ({ pair, seed, reads: 1500, forMs: 8000 });

  test("no answer is older than asked for, and each has the rows of its position", unhurried, async () => {
    const { answered, older, torn } = await checkStaleReads(run());
    expect({ older, torn }).toEqual({ older: [], torn: [] });
    expect(answered).toBeGreaterThan(0);
  });

  test("a query that is not asked for its position is found", unhurried, async () => {
    const { older } = await checkStaleReads({ ...run(), reads: 100_000, forMs: 60_000, withoutPosition: true });
    expect(older.length).toBeGreaterThan(0);
  });
});
