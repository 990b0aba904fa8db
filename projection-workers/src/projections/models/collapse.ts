import { DAILY_TOTAL_BASE, type MilestoneRow, type MovementRow, type PaymentRow, unreachable } from "ledger-core";
import type { Written } from "ledger-core/sql";
import type {
  ModelChange,
  NewAccount,
  NewAuthorization,
  NewEntry,
  NewHoldChange,
  NewPaymentState,
} from "./projection.ts";

type DailyTotal = { readonly account: number; readonly day: number; billions: bigint; units: bigint };

/** The entries of a batch in one run of revisions, in the order of their keys, and the sums of their days. */
export type RunChanges = {
  readonly run: number;
  readonly entries: readonly NewEntry[];
  readonly totals: readonly DailyTotal[];
};

/**
 * The rows to write for a batch of changes: only the last state of each payment and status of each account count, and
 * that of an account which the batch itself opens is merged into its row.
 */
export type CollapsedChanges = {
  readonly opened: readonly NewAccount[];
  readonly status: ReadonlyMap<number, number>;
  readonly runs: readonly RunChanges[];
  readonly holds: readonly NewHoldChange[];
  readonly payments: readonly Written<PaymentRow>[];
  readonly states: readonly NewPaymentState[];
  readonly authorizations: readonly NewAuthorization[];
  readonly movements: readonly Written<MovementRow>[];
  readonly milestones: readonly Written<MilestoneRow>[];
};

/** @param runRevisions how many revisions a run has */
export function collapse(changes: readonly ModelChange[], runRevisions: number): CollapsedChanges {
  const opened: NewAccount[] = [];
  const status = new Map<number, number>();
  const entries: NewEntry[] = [];
  const holds: NewHoldChange[] = [];
  const payments: Written<PaymentRow>[] = [];
  const states = new Map<number, NewPaymentState>();
  const authorizations: NewAuthorization[] = [];
  const movements: Written<MovementRow>[] = [];
  const milestones: Written<MilestoneRow>[] = [];
  for (const change of changes) {
    switch (change.kind) {
      case "account":
        opened.push(change.row);
        break;
      case "status":
        status.set(change.account, change.status);
        break;
      case "entry":
        entries.push(change.row);
        break;
      case "hold":
        holds.push(change.row);
        break;
      case "payment":
        payments.push(change.row);
        break;
      case "state":
        states.set(change.row.number, change.row);
        break;
      case "authorization":
        authorizations.push(change.row);
        break;
      case "movement":
        movements.push(change.row);
        break;
      case "milestone":
        milestones.push(change.row);
        break;
      default:
        unreachable(change);
    }
  }
  return {
    opened: opened.map((row) => ({ ...row, status: take(status, row.number) ?? row.status })),
    status,
    runs: runsOf(entries, runRevisions),
    holds: holds.sort(byAccount),
    payments,
    states: [...states.values()].sort((one, other) => one.number - other.number),
    authorizations: authorizations.sort(byAccount),
    movements,
    milestones,
  };
}

/** @param entries in the order of their revisions */
function runsOf(entries: readonly NewEntry[], runRevisions: number): RunChanges[] {
  const runs: RunChanges[] = [];
  let from = 0;
  while (from < entries.length) {
    const run = startOf(entries[from], runRevisions);
    let end = from + 1;
    while (end < entries.length && startOf(entries[end], runRevisions) === run) end++;
    // Sorting is stable, so the entries of an account stay in the order of their revisions.
    const sorted = entries.slice(from, end).sort(byAccount);
    runs.push({ run, entries: sorted, totals: totalsOf(sorted) });
    from = end;
  }
  return runs;
}

function startOf(entry: NewEntry | undefined, runRevisions: number): number {
  const revision = entry?.revision ?? 0;
  return revision - (revision % runRevisions);
}

type OfAccount = { readonly account: number };

function byAccount(one: OfAccount, other: OfAccount): number {
  return one.account - other.account;
}

/** @param entries sorted by account */
function totalsOf(entries: readonly NewEntry[]): DailyTotal[] {
  const totals: DailyTotal[] = [];
  const days = new Map<number, DailyTotal>();
  let of: number | undefined;
  for (const { account, day, amount } of entries) {
    if (account !== of) days.clear();
    of = account;
    let total = days.get(day);
    if (!total) {
      total = { account, day, billions: 0n, units: 0n };
      days.set(day, total);
      totals.push(total);
    }
    add(total, amount);
  }
  return totals;
}

function add(total: DailyTotal, amount: bigint): void {
  if (amount < DAILY_TOTAL_BASE && amount > -DAILY_TOTAL_BASE) {
    total.units += amount;
    return;
  }
  total.billions += amount / DAILY_TOTAL_BASE;
  total.units += amount % DAILY_TOTAL_BASE;
}

function take<Value>(map: Map<number, Value>, key: number): Value | undefined {
  const value = map.get(key);
  map.delete(key);
  return value;
}
