import { findMariadb, seeded } from "ledger-core/testing";
import { type MariadbPair, startMariadbPair } from "ledger-core/testing/engines/mariadb-pair";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { playServerFaults, serverFaults } from "../../testing/server-faults.ts";

const source = await findMariadb();
const seed = Date.now() % 1_000_000;

describe.skipIf(source.kind !== "local")(`faults of a MariaDB, seed ${seed}`, () => {
  let pair: MariadbPair;
  beforeAll(async () => {
    if (source.kind !== "local") throw new Error("skipped otherwise");
    pair = await startMariadbPair(source.local);
  });
  afterAll(() => pair.stop());

  const unhurried = { timeout: 600_000 };

  test("events are applied exactly once through every fault, even a failover that loses some", unhurried, async () => {
    const next = seeded(seed);
    const faults = serverFaults.toSorted(() => next(3) - 1);
    const told: string[] = [];
    const differing = await playServerFaults({ pair, seed, faults, tell: (text) => told.push(text) });
    expect(differing, told.join("; ")).toEqual([]);
  });
});
