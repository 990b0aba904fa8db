import type { Amount, Micros, Revision } from "ledger-core";
import { type Account, type Balances, type BusinessDate, DAILY_TOTAL_BASE, endOfBusinessDate } from "ledger-core";
import { dayOf, numberOfId, positionOf } from "ledger-core/sql";
import { whole, wholeOrNull } from "./columns.ts";
import { firstEntry } from "./entry-rows.ts";
import { type ModelsSnapshot, numbersOf, select, table } from "./snapshot.ts";
import { all, plain, sql } from "./sql.ts";
import { around } from "./times.ts";

/** The moment of a requested balance: up to a time, up to a revision, or up to the end of a business date. */
export type Moment =
  | { readonly kind: "now" }
  | { readonly kind: "at"; readonly at: Micros }
  | { readonly kind: "revision"; readonly revision: Revision }
  | { readonly kind: "effectiveDate"; readonly date: BusinessDate };

/** The balances of an account at a moment; zero before its first entry. */
export async function balancesAsOf(snapshot: ModelsSnapshot, account: Account, moment: Moment): Promise<Balances> {
  const number = numberOfId(account.id);
  switch (moment.kind) {
    case "now":
      return account.balances;
    case "at": {
      const until = await untilTime(snapshot, number, moment.at);
      return { posted: await postedAt(snapshot, number, until), held: await heldAt(snapshot, number, until) };
    }
    case "revision": {
      const until = { revision: moment.revision };
      return { posted: await postedAt(snapshot, number, until), held: await heldAt(snapshot, number, until) };
    }
    case "effectiveDate": {
      const end = endOfBusinessDate(moment.date, account.timeZone) - 1;
      return {
        posted: await postedWithin(snapshot, number, moment.date),
        held: await heldAt(snapshot, number, await untilTime(snapshot, number, end)),
      };
    }
    default:
      return moment satisfies never;
  }
}

/** Up to a revision, inclusive, and a time: some of the last rows up to the revision may be later than the time. */
type Until = { readonly revision: Revision; readonly at?: Micros };

async function untilTime(snapshot: ModelsSnapshot, account: number, at: Micros): Promise<Until> {
  const { shard } = positionOf(account);
  const { below } = await around(snapshot, shard, at + 1);
  return { revision: below - 1 - numbersOf(shard).from, at };
}

async function postedAt(snapshot: ModelsSnapshot, account: number, until: Until): Promise<Amount> {
  const { revision, at } = until;
  const balance = firstEntry(snapshot, {
    ...{ columns: plain("e.balance"), account: sql`${account}`, shard: sql`${positionOf(account).shard}` },
    revisions: { from: 0, below: revision + 1 },
    wanted: at === undefined ? undefined : sql`e.at <= ${at}`,
    order: "desc",
  });
  const [row = {}] = await select(snapshot, sql`SELECT ${balance} AS balance`);
  return wholeOrNull(row, "balance") ?? 0n;
}

async function heldAt(snapshot: ModelsSnapshot, account: number, { revision, at }: Until): Promise<Amount> {
  const booked = at === undefined ? undefined : sql`h.at <= ${at}`;
  const [row] = await select(
    snapshot,
    sql`SELECT h.held FROM ${table(snapshot, "holdChanges", "h")}
      WHERE ${all(sql`h.account = ${account} AND h.revision <= ${revision}`, booked)}
      ORDER BY h.revision DESC LIMIT 1`,
  );
  return row ? whole(row, "held") : 0n;
}

/**
 * Reads one row per run and day with postings, so its cost grows with the number of days on which the account moved.
 */
async function postedWithin(snapshot: ModelsSnapshot, account: number, date: BusinessDate): Promise<Amount> {
  const [row = {}] = await select(
    snapshot,
    sql`SELECT COALESCE(SUM(d.billions), 0) AS billions, COALESCE(SUM(d.units), 0) AS units
      FROM ${table(snapshot, "entryRuns", "r")} CROSS JOIN ${table(snapshot, "dailyTotals", "d")}
      WHERE r.shard = ${positionOf(account).shard} AND d.run = r.run AND d.account = ${account}
        AND d.day <= ${dayOf(date)}`,
  );
  return whole(row, "billions") * DAILY_TOTAL_BASE + whole(row, "units");
}
