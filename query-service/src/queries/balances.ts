import type {
  AccountRow,
  Amount,
  Balances,
  BusinessDate,
  DailyTotalRow,
  EntryRow,
  HoldChangeRow,
  Micros,
  MilestoneRow,
  Revision,
  Shard,
} from "ledger-core";
import { DAILY_TOTAL_BASE, endOfBusinessDate, MILESTONE_SPAN } from "ledger-core";
import { whole } from "./columns.ts";
import { type ModelsSnapshot, selectByIndex } from "./snapshot.ts";

/** The moment of a requested balance: up to a time, up to a revision, or up to the end of a business date. */
export type Moment =
  | { readonly kind: "now" }
  | { readonly kind: "at"; readonly at: Micros }
  | { readonly kind: "revision"; readonly revision: Revision }
  | { readonly kind: "effectiveDate"; readonly date: BusinessDate };

/** The balances of an account as of a moment; zero before its first entry. */
export async function balancesAsOf(snapshot: ModelsSnapshot, account: AccountRow, moment: Moment): Promise<Balances> {
  switch (moment.kind) {
    case "now":
      return { posted: whole(account.posted, "posted"), held: whole(account.held, "held") };
    case "at":
      return {
        posted: await postedAt(snapshot, account.id, BigInt(moment.at)),
        held: await heldAt(snapshot, account.id, BigInt(moment.at)),
      };
    case "revision": {
      const latest = await latestTime(snapshot, account.shard, moment.revision);
      return {
        posted: await postedAfter(snapshot, account.id, BigInt(moment.revision), latest),
        held: await heldAfter(snapshot, account.id, BigInt(moment.revision), latest),
      };
    }
    case "effectiveDate":
      return {
        posted: await postedWithin(snapshot, account.id, moment.date),
        held: await heldAt(snapshot, account.id, BigInt(endOfBusinessDate(moment.date, account.time_zone)) - 1n),
      };
    default:
      return moment satisfies never;
  }
}

async function postedAt(snapshot: ModelsSnapshot, account: string, at: bigint): Promise<Amount> {
  const row = await selectByIndex<EntryRow>(snapshot, "entries", "primary key")
    .where({ account })
    .where("booked_at", "<=", at)
    .orderBy("booked_at", "desc")
    .orderBy("revision", "desc")
    .orderBy("idx", "desc")
    .first("balance_after");
  return row ? whole(row.balance_after, "balance_after") : 0n;
}

async function postedAfter(
  snapshot: ModelsSnapshot,
  account: string,
  revision: bigint,
  latest: Latest,
): Promise<Amount> {
  const query = selectByIndex<EntryRow>(snapshot, "entries", "primary key").where({ account });
  if (latest !== undefined) query.where("booked_at", "<=", latest);
  const row = await query
    .where("revision", "<=", revision)
    .orderBy("booked_at", "desc")
    .orderBy("revision", "desc")
    .orderBy("idx", "desc")
    .first("balance_after");
  return row ? whole(row.balance_after, "balance_after") : 0n;
}

type Latest = bigint | undefined;

/**
 * A time no earlier than any booking up to the revision, and later by at most MILESTONE_SPAN revisions, so that the
 * walk back to the revision is short. Undefined at the end of the log.
 */
async function latestTime(snapshot: ModelsSnapshot, shard: Shard, revision: Revision): Promise<Latest> {
  const row = await selectByIndex<MilestoneRow>(snapshot, "milestones", "primary key")
    .where({ shard })
    .where("span", ">", BigInt(Math.floor(revision / MILESTONE_SPAN)))
    .orderBy("span")
    .first("booked_at");
  return row && whole(row.booked_at, "booked_at");
}

/** Reads one row per day with postings. Its cost grows by at most 366 short rows per year. */
async function postedWithin(snapshot: ModelsSnapshot, account: string, date: BusinessDate): Promise<Amount> {
  const row = await snapshot
    .db<DailyTotalRow>(snapshot.table("dailyTotals"))
    .where("account", account)
    .where("date", "<=", date)
    .sum({ billions: "billions", units: "units" })
    .first<{ billions: bigint | null; units: bigint | null }>();
  return whole(row.billions ?? 0n, "billions") * DAILY_TOTAL_BASE + whole(row.units ?? 0n, "units");
}

async function heldAt(snapshot: ModelsSnapshot, account: string, at: bigint): Promise<Amount> {
  const row = await selectByIndex<HoldChangeRow>(snapshot, "holdChanges", "primary key")
    .where({ account })
    .where("booked_at", "<=", at)
    .orderBy("booked_at", "desc")
    .orderBy("revision", "desc")
    .first("held");
  return row ? whole(row.held, "held") : 0n;
}

async function heldAfter(snapshot: ModelsSnapshot, account: string, revision: bigint, latest: Latest): Promise<Amount> {
  const query = selectByIndex<HoldChangeRow>(snapshot, "holdChanges", "primary key").where({ account });
  if (latest !== undefined) query.where("booked_at", "<=", latest);
  const row = await query
    .where("revision", "<=", revision)
    .orderBy("booked_at", "desc")
    .orderBy("revision", "desc")
    .first("held");
  return row ? whole(row.held, "held") : 0n;
}
