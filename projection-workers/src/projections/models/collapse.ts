import {
  type ChargeRow,
  DAILY_TOTAL_BASE,
  type MilestoneRow,
  type MovementRow,
  type PaymentRow,
  unreachable,
} from "ledger-core";
import type { Written } from "ledger-core/sql";
import type {
  ModelChange,
  NewAccount,
  NewAuthorization,
  NewEntry,
  NewHoldChange,
  NewPaymentState,
} from "./projection.ts";

/** The sum of an account's postings on a day: billions × DAILY_TOTAL_BASE + units. */
export type DailyTotal = { readonly account: number; readonly day: number; billions: number; units: number };

/** A batch's entries in one run of revisions, in the order of their keys, and their sums per day. */
export type RunChanges = {
  readonly run: number;
  /** The entries of charges: n is row n / 2 as its payer sees it if n is even, and as its payee sees it if odd. */
  readonly charges: readonly ChargeRow[];
  readonly sides: Uint32Array;
  readonly entries: readonly NewEntry[];
  readonly totals: readonly DailyTotal[];
};

/**
 * The rows to write for a batch of changes: only the last state of each payment and status of each account counts, and
 * the status of an account opened in the same batch is merged into its row.
 */
export type CollapsedChanges = {
  readonly opened: readonly NewAccount[];
  readonly charges: readonly ChargeRow[];
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
  const charges: ChargeRow[] = [];
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
      case "charge":
        charges.push(change);
        break;
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
    charges,
    runs: runsOf(charges, entries, runRevisions),
    holds: holds.sort(byAccount),
    payments,
    states: [...states.values()].sort((one, other) => one.number - other.number),
    authorizations: authorizations.sort(byAccount),
    movements,
    milestones,
  };
}

/** @param charges in the order of their revisions, as the entries */
function runsOf(charges: readonly ChargeRow[], entries: readonly NewEntry[], runRevisions: number): RunChanges[] {
  const runOf = ({ revision }: { readonly revision: number }) => revision - (revision % runRevisions);
  const chargesOf = slicesBy(charges, runOf);
  const entriesOf = slicesBy(entries, runOf);
  const runs = [...new Set([...chargesOf.keys(), ...entriesOf.keys()])].sort((one, other) => one - other);
  return runs.map((run) => runOfChanges(run, chargesOf.get(run) ?? [], entriesOf.get(run) ?? []));
}

/** Fastest for items in the order of their runs: then each run is one slice. */
function slicesBy<Item>(items: readonly Item[], runOf: (item: Item) => number): ReadonlyMap<number, readonly Item[]> {
  const slices = new Map<number, readonly Item[]>();
  let from = 0;
  for (const [at, item] of items.entries()) {
    const next = items[at + 1];
    if (next !== undefined && runOf(next) === runOf(item)) continue;
    const slice = items.slice(from, at + 1);
    const known = slices.get(runOf(item));
    slices.set(runOf(item), known ? [...known, ...slice] : slice);
    from = at + 1;
  }
  return slices;
}

function runOfChanges(run: number, charges: readonly ChargeRow[], entries: readonly NewEntry[]): RunChanges {
  const sides = orderOf(accountsOf(charges));
  // Sorting is stable, so the entries of an account stay in the order of their revisions.
  const sorted = entries.toSorted(byAccount);
  return { run, charges, sides, entries: sorted, totals: [...totalsOfCharges(charges, sides), ...totalsOf(sorted)] };
}

function accountsOf(charges: readonly ChargeRow[]): Float64Array {
  const accounts = new Float64Array(2 * charges.length);
  let at = 0;
  for (const { payer, payee } of charges) {
    accounts[at++] = payer;
    accounts[at++] = payee;
  }
  return accounts;
}

/** The indexes of numbers in ascending order; equal numbers keep their order. */
export function orderOf(numbers: Float64Array): Uint32Array {
  const { length } = numbers;
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  for (const number of numbers) {
    if (number < least) least = number;
    if (number > most) most = number;
  }
  if ((most - least + 1) * length > Number.MAX_SAFE_INTEGER)
    return Uint32Array.from(numbers.keys()).sort((a, b) => (numbers[a] ?? 0) - (numbers[b] ?? 0) || a - b);
  // Packs number and index into one, to sort without a comparison function, in an eighth of the time.
  const keys = new Float64Array(length);
  for (let place = 0; place < length; place++) keys[place] = ((numbers[place] ?? 0) - least) * length + place;
  keys.sort();
  const order = new Uint32Array(length);
  for (let at = 0; at < length; at++) order[at] = (keys[at] ?? 0) % length;
  return order;
}

type OfAccount = { readonly account: number };

function byAccount(one: OfAccount, other: OfAccount): number {
  return one.account - other.account;
}

function totalsOfCharges(charges: readonly ChargeRow[], sides: Uint32Array): DailyTotal[] {
  const totals = makeTotals();
  for (const side of sides) {
    const row = charges[side >> 1];
    if (row === undefined) continue;
    if (side % 2 === 0) totals.add(row.payer, row.payerDay, -row.amount);
    else totals.add(row.payee, row.payeeDay, row.amount);
  }
  return totals.all;
}

/** @param entries sorted by account */
function totalsOf(entries: readonly NewEntry[]): DailyTotal[] {
  const totals = makeTotals();
  for (const { account, day, amount } of entries)
    totals.add(account, day, Number(amount % DAILY_TOTAL_BASE), Number(amount / DAILY_TOTAL_BASE));
  return totals.all;
}

const BASE = Number(DAILY_TOTAL_BASE);

/** Sums per day, one account after another. */
function makeTotals() {
  const all: DailyTotal[] = [];
  const days = new Map<number, DailyTotal>();
  let last: DailyTotal | undefined;

  function totalOf(account: number, day: number): DailyTotal {
    if (last?.account !== account) days.clear();
    const known = days.get(day);
    if (known) return known;
    const total = { account, day, billions: 0, units: 0 };
    all.push(total);
    days.set(day, total);
    return total;
  }

  return {
    all,
    add(account: number, day: number, amount: number, billions = 0): void {
      if (last?.account !== account || last.day !== day) last = totalOf(account, day);
      const over = Math.trunc(amount / BASE);
      last.billions += billions + over;
      last.units += amount - over * BASE;
    },
  };
}

function take<Value>(map: Map<number, Value>, key: number): Value | undefined {
  const value = map.get(key);
  map.delete(key);
  return value;
}
