import { type AccountId, type GoldTableName, type GoldTables, idBody, makeId } from "ledger-core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { names } from "./folder.ts";
import type { WrittenRow } from "./gold-writer.ts";

type OpenedGold = {
  readonly gold: GoldTables;
  /** Replaces the rows of a table. */
  write(table: GoldTableName, rows: readonly WrittenRow[]): Promise<void>;
  close(): Promise<void>;
};

const account = (n: number): AccountId => makeId("acct", idBody(1_700_000_000_000_000, { shard: 0, revision: n }, n));
const [mine, theirs] = [account(1), account(2)];
const DAYS = 400;

/** Every adapter of the gold tables. */
export function goldTablesSuite(adapter: string, open: () => Promise<OpenedGold>): void {
  describe(`gold tables: ${adapter}`, () => {
    let opened: OpenedGold;
    beforeEach(async () => {
      opened = await open();
    });
    afterEach(() => opened.close());

    const key = { tenant: "default", account: mine };
    const daily = { table: "merchant_daily_sales", key, order: "asc", limit: 1024 } as const;

    test("a table that nobody has made has no answer, and one without rows has none", async () => {
      expect(await opened.gold.rows(daily)).toBeUndefined();
      await opened.write("merchant_daily_sales", []);
      expect(await opened.gold.rows(daily)).toEqual([]);
    });

    test("a key gets its own rows, of its own tenant, as they were written", async () => {
      await opened.write("merchant_daily_sales", [
        ...sales({ merchant: theirs, days: DAYS }),
        ...sales({ merchant: mine, tenant: "other", days: 3 }),
        ...sales({ merchant: mine, days: DAYS }),
      ]);
      const rows = (await opened.gold.rows(daily)) ?? [];
      expect(rows).toHaveLength(DAYS);
      expect(rows[1]).toEqual({
        ...{ date: "2025-01-02", currency: "HKD", payments: 1n, gross: 900_719_925_474_099_201n, refunds: 0n },
        ...{ refunded: 0n, net: -1n, customers: 1n },
      });
      expect(rows.map(({ date }) => date)).toEqual(rows.map(({ date }) => date).sort());
    });

    test("from is inside, to is not; order and limit hold", async () => {
      await opened.write("merchant_daily_sales", sales({ merchant: mine, days: DAYS }).reverse());
      const dates = async (query: object) => (await opened.gold.rows({ ...daily, ...query }))?.map(({ date }) => date);
      const march = { from: "2025-03-01", to: "2025-03-04" };
      expect(await dates(march)).toEqual(["2025-03-01", "2025-03-02", "2025-03-03"]);
      expect(await dates({ ...march, order: "desc" })).toEqual(["2025-03-03", "2025-03-02", "2025-03-01"]);
      expect(await dates({ ...march, order: "desc", limit: 2 })).toEqual(["2025-03-03", "2025-03-02"]);
      expect(await dates({ from: "2025-03-04", to: "2025-03-01" })).toEqual([]);
      expect(await dates({ from: "2026-02-03", limit: 1 })).toEqual(["2026-02-03"]);
      expect(await dates({ to: "2025-01-01" })).toEqual([]);
    });

    test("keys that are texts, whole numbers of 32 bits, fractions and nulls", async () => {
      await opened.write("report_positions", [
        { table_name: "a", shard: 1n, position: 7n, complete_to: null },
        { table_name: "b", shard: 0n, position: 8n, complete_to: "2026-11-24" },
        { table_name: "a", shard: 0n, position: 9n, complete_to: "2026-11-25" },
      ]);
      expect(await opened.gold.rows({ table: "report_positions", key: { text: "a" }, order: "asc", limit: 9 })).toEqual(
        [
          { shard: 0n, position: 9n, complete_to: "2026-11-25" },
          { shard: 1n, position: 7n, complete_to: null },
        ],
      );
      const [payer, merchant] = [names.of("account", mine), names.of("account", theirs)];
      const recommended = { tenant: names.of("tenant", "default"), payer, merchant, model_version: "m" };
      await opened.write("recommendations", [
        { ...recommended, rank: 2n, score: 0.25, events: "" },
        { ...recommended, rank: 1n, score: 1, events: "0:1,0:2" },
      ]);
      const asked = { table: "recommendations", key, order: "asc", limit: 1 } as const;
      const [best] = (await opened.gold.rows(asked)) ?? [];
      expect(await opened.gold.pseudonymOf(theirs)).toBe(merchant);
      expect(best).toEqual({ merchant, rank: 1n, score: 1, model_version: "m", events: "0:1,0:2" });
    });

    test("a key that no table has, and texts that mean something to SQL", async () => {
      await opened.write("report_positions", [
        { table_name: "a' OR '1'='1", shard: 0n, position: 1n, complete_to: null },
      ]);
      for (const text of ["", "' OR '1'='1", "a\\", ":key", "%"])
        expect(await opened.gold.rows({ table: "report_positions", key: { text }, order: "asc", limit: 9 })).toEqual(
          [],
        );
    });

    test("the newest version of a table is read, also while it is replaced", async () => {
      await opened.write("merchant_daily_sales", sales({ merchant: mine, days: 1 }));
      for (let days = 2; days < 8; days++) {
        const reads = Array.from({ length: 4 }, () => opened.gold.rows(daily));
        await opened.write("merchant_daily_sales", sales({ merchant: mine, days }));
        for (const rows of await Promise.all(reads)) expect([days - 1, days]).toContain(rows?.length);
        expect(await opened.gold.rows(daily)).toHaveLength(days);
      }
    });
  });
}

type Sales = { readonly merchant: AccountId; readonly tenant?: string; readonly days: number };

/** A row for each day from the first of 2025 on; amounts that no double can hold. */
function sales({ merchant, tenant = "default", days }: Sales): WrittenRow[] {
  return Array.from({ length: days }, (_, day) => ({
    tenant: names.of("tenant", tenant),
    merchant: names.of("account", merchant),
    date: new Date(Date.UTC(2025, 0, 1 + day)).toISOString().slice(0, 10),
    currency: "HKD",
    payments: BigInt(day),
    gross: 900_719_925_474_099_200n + BigInt(day),
    ...{ refunds: 0n, refunded: 0n, net: BigInt(-day), customers: 1n },
  }));
}
