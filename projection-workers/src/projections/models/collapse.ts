import {
  type AccountRow,
  DAILY_TOTAL_BASE,
  type DailyTotalRow,
  type EntryRow,
  type HoldChangeRow,
  MILESTONE_SPAN,
  type MilestoneRow,
  type MovementRow,
  type PaymentRow,
  type Shard,
  unreachable,
} from "ledger-core";
import type { ModelChange } from "./projection.ts";

/**
 * The rows to write for a run of changes: only the last balance, status and state of each payment count, and changes of
 * an account that the run itself opens are merged into its row.
 */
export type CollapsedChanges = {
  readonly opened: readonly AccountRow[];
  readonly status: ReadonlyMap<string, string>;
  readonly posted: ReadonlyMap<string, bigint>;
  readonly held: ReadonlyMap<string, bigint>;
  readonly entries: readonly EntryRow[];
  readonly holds: readonly HoldChangeRow[];
  readonly totals: Iterable<DailyTotalRow>;
  readonly payments: Iterable<PaymentRow>;
  /** Payments made by the run itself. */
  readonly made: readonly PaymentRow[];
  readonly movements: readonly MovementRow[];
  readonly milestones: Iterable<MilestoneRow>;
};

export function collapse(changes: readonly ModelChange[]): CollapsedChanges {
  const opened: AccountRow[] = [];
  const status = new Map<string, string>();
  const posted = new Map<string, bigint>();
  const held = new Map<string, bigint>();
  const entries: EntryRow[] = [];
  const holds: HoldChangeRow[] = [];
  const totals = new Map<string, DailyTotalRow>();
  const payments = new Map<string, PaymentRow>();
  const made: PaymentRow[] = [];
  const movements: MovementRow[] = [];
  const milestones = new Map<string, MilestoneRow>();
  for (const change of changes) {
    switch (change.kind) {
      case "account":
        opened.push(change.row);
        break;
      case "status":
        status.set(change.account, change.status);
        break;
      case "entry": {
        const { account, amount, balance_after, effective_date: date } = change.row;
        entries.push(change.row);
        pass(milestones, change.row.shard, change.row);
        posted.set(account, balance_after);
        const key = account + date;
        const total = totals.get(key) ?? { account, date, billions: 0n, units: 0n };
        add(total, amount);
        totals.set(key, total);
        break;
      }
      case "hold":
        holds.push(change.row);
        pass(milestones, change.shard, change.row);
        held.set(change.row.account, change.row.held);
        break;
      case "payment":
        payments.set(change.row.id, change.row);
        if (change.made) made.push(change.row);
        break;
      case "movement":
        movements.push(change.row);
        break;
      default:
        unreachable(change);
    }
  }
  const complete = opened.map((row) => ({
    ...row,
    status: take(status, row.id) ?? row.status,
    posted: take(posted, row.id) ?? row.posted,
    held: take(held, row.id) ?? row.held,
  }));
  return {
    opened: complete,
    status,
    posted,
    held,
    entries,
    holds,
    totals: totals.values(),
    payments: payments.values(),
    made,
    movements,
    milestones: milestones.values(),
  };
}

function add(total: DailyTotalRow, amount: bigint): void {
  if (amount < DAILY_TOTAL_BASE && amount > -DAILY_TOTAL_BASE) {
    total.units += amount;
    return;
  }
  total.billions += amount / DAILY_TOTAL_BASE;
  total.units += amount % DAILY_TOTAL_BASE;
}

/** Records the row as a milestone if it is the first of its span of revisions. */
function pass(
  milestones: Map<string, MilestoneRow>,
  shard: Shard,
  { revision, booked_at }: Pick<EntryRow, "revision" | "booked_at">,
): void {
  const span = revision / BigInt(MILESTONE_SPAN);
  const key = `${shard}:${span}`;
  if (!milestones.has(key)) milestones.set(key, { shard, span, booked_at });
}

function take<Value>(map: Map<string, Value>, key: string): Value | undefined {
  const value = map.get(key);
  map.delete(key);
  return value;
}
