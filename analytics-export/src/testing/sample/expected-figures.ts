import type { Account, Fact, LedgerEvent, Micros, Payment } from "ledger-core";
import type { Pseudonyms } from "../../tables/pseudonyms.ts";

type Figures = Readonly<Record<string, string | number>>;
type Table = readonly Figures[];

/** A movement of money between a payer and a merchant, on the merchant's business day. */
type Sale = {
  readonly key: { readonly tenant: string; readonly merchant: string; readonly currency: string };
  readonly date: string;
  readonly payer: string;
  readonly source: string;
  readonly captured: bigint;
  readonly refunded: bigint;
};

/**
 * Figures of gold tables, computed from the events in another language and another way than the jobs compute them.
 * Amounts are digits; each row has the columns of the table's key and its figures.
 */
export function expectedFigures(events: readonly LedgerEvent[], names: Pseudonyms): Readonly<Record<string, Table>> {
  const sales = salesOf(events, names);
  return {
    daily_volume: dailyVolume(events, names),
    merchant_daily_sales: group(sales, ({ key, date }) => ({ ...key, date })).map(({ row, of }) => summary(row, of)),
    merchant_monthly_summary: monthly(sales),
    merchant_customers: customers(sales),
    refund_and_decline_rates: rates(events, names),
    time_to_capture: timesToCapture(events, names),
    cohort_retention: retention(sales),
  };
}

type Moving = Extract<Fact, { readonly type: "PaymentCharged" | "PaymentCaptured" | "PaymentRefunded" }>;

function salesOf(events: readonly LedgerEvent[], names: Pseudonyms): readonly Sale[] {
  const isMoving = (fact: Fact): fact is Moving => /^Payment(Charged|Captured|Refunded)$/.test(fact.type);
  return events.flatMap(({ fact, origin }) => {
    if (!isMoving(fact) || fact.payment.payeeType !== "merchant") return [];
    const { id, payer, payee, currency, captured } = fact.payment;
    const date = fact.postings.find(({ account }) => account === payee)?.date ?? "";
    const key = { tenant: names.of("tenant", origin.tenant), merchant: names.of("account", payee), currency };
    const refunded = fact.type === "PaymentRefunded" ? fact.amount : 0n;
    const moved = fact.type === "PaymentCharged" ? captured : fact.type === "PaymentCaptured" ? fact.amount : 0n;
    const source = fact.type === "PaymentRefunded" ? fact.refund : id;
    return [{ key, date, payer: names.of("account", payer), source, captured: moved, refunded }];
  });
}

function summary(row: Figures, sales: readonly Sale[]): Figures {
  const payments = sales.filter(({ captured }) => captured > 0n);
  const refunds = sales.filter(({ refunded }) => refunded > 0n);
  const gross = sum(payments.map(({ captured }) => captured));
  const refunded = sum(refunds.map((sale) => sale.refunded));
  return {
    ...{ ...row, payments: count(payments.map(({ source }) => source)), gross: `${gross}` },
    ...{ refunds: refunds.length, refunded: `${refunded}`, net: `${gross - refunded}` },
    customers: count(payments.map(({ payer }) => payer)),
  };
}

const monthOf = (date: string) => `${date.slice(0, 7)}-01`;

function monthly(sales: readonly Sale[]): Table {
  const firsts = firstPayments(sales, ({ key: { merchant }, payer }) => `${merchant} ${payer}`);
  return group(sales, ({ key, date }) => ({ ...key, month: monthOf(date) })).map(({ row, of }) => {
    const figures = summary(row, of);
    const newcomers = of.filter((sale) => firsts.has(sale)).length;
    const payments = BigInt(figures.payments ?? 0);
    const average = payments === 0n ? 0n : BigInt(figures.gross ?? 0) / payments;
    return { ...figures, new_customers: newcomers, average: `${average}` };
  });
}

function customers(sales: readonly Sale[]): Table {
  const paid = sales.filter(({ captured }) => captured > 0n);
  const firsts = firstPayments(sales, ({ key: { merchant }, payer }) => `${merchant} ${payer}`);
  const firstSources = new Set([...firsts].map(({ source }) => source));
  return group(paid, ({ key, date }) => ({ ...key, month: monthOf(date) })).map(({ row, of }) => {
    const all = count(of.map(({ payer }) => payer));
    const newcomers = of.filter((sale) => firsts.has(sale)).length;
    const repeated = of.filter(({ source }) => !firstSources.has(source)).map(({ source }) => source);
    return {
      ...{ ...row, customers: all, new_customers: newcomers },
      ...{ returning_customers: all - newcomers, repeat_payments: count(repeated) },
    };
  });
}

function retention(sales: readonly Sale[]): Table {
  const paid = sales.filter(({ captured }) => captured > 0n);
  const cohorts = new Map(
    [...firstPayments(paid, ({ payer }) => payer)].map(({ payer, date }) => [payer, monthOf(date)]),
  );
  const months = [...new Set(paid.map(({ date }) => monthOf(date)))].sort();
  const tenant = paid[0]?.key.tenant ?? "";
  return [...new Set(cohorts.values())].flatMap((cohort) => {
    const members = [...cohorts].filter(([, first]) => first === cohort).map(([payer]) => payer);
    return months
      .filter((month) => month >= cohort)
      .map((month) => {
        const seen = new Set(paid.filter(({ date }) => monthOf(date) === month).map(({ payer }) => payer));
        const active = members.filter((payer) => seen.has(payer)).length;
        const distance = months.indexOf(month) - months.indexOf(cohort);
        return { tenant, cohort, month, months: distance, customers: members.length, active };
      });
  });
}

function dailyVolume(events: readonly LedgerEvent[], names: Pseudonyms): Table {
  const credits = events.flatMap(({ fact, origin }) => {
    if (!("postings" in fact)) return [];
    const { kind, id, currency } = movementOf(fact);
    const key = { tenant: names.of("tenant", origin.tenant), currency, kind };
    return fact.postings
      .filter(({ amount }) => amount > 0n)
      .map(({ account, amount, date }) => ({ key: { ...key, date }, id, account, amount }));
  });
  return group(credits, ({ key }) => key).map(({ row, of }) => ({
    ...{ ...row, movements: count(of.map(({ id }) => id)), postings: of.length },
    ...{ amount: `${sum(of.map(({ amount }) => amount))}`, accounts: count(of.map(({ account }) => account)) },
  }));
}

function movementOf(fact: Extract<Fact, { readonly postings: unknown }>) {
  switch (fact.type) {
    case "TransferPosted":
      return { kind: "transfer", id: fact.transfer, currency: fact.currency };
    case "TopUpSettled":
      return { kind: "top-up", id: fact.topUp, currency: fact.currency };
    case "PayoutSettled":
      return { kind: "payout", id: fact.payout, currency: fact.currency };
    case "PaymentRefunded":
      return { kind: "refund", id: fact.refund, currency: fact.payment.currency };
    default:
      return { kind: "payment", id: fact.payment.id, currency: fact.payment.currency };
  }
}

function rates(events: readonly LedgerEvent[], names: Pseudonyms): Table {
  const { merchants, latest } = endOf(events);
  const attempts = events.flatMap(({ at, fact, origin }) => {
    const { type } = fact;
    if (type !== "PaymentCharged" && type !== "PaymentAuthorized" && type !== "PaymentDeclined") return [];
    const { payee, currency } = type === "PaymentDeclined" ? fact : fact.payment;
    const zone = merchants.get(payee)?.timeZone;
    if (zone === undefined) return [];
    const key = { tenant: names.of("tenant", origin.tenant), merchant: names.of("account", payee), currency };
    const refunded = type !== "PaymentDeclined" && (latest.get(fact.payment.id)?.refunded ?? 0n) > 0n;
    return [{ key: { ...key, date: dayIn(zone, at) }, declined: type === "PaymentDeclined", refunded }];
  });
  return group(attempts, ({ key }) => key).map(({ row, of }) => {
    const declined = of.filter((attempt) => attempt.declined).length;
    const counts = { attempts: of.length, declined, accepted: of.length - declined };
    return { ...row, ...counts, refunded_payments: of.filter(({ refunded }) => refunded).length };
  });
}

function timesToCapture(events: readonly LedgerEvent[], names: Pseudonyms): Table {
  const { merchants, latest } = endOf(events);
  const captures = new Map<string, Micros>();
  for (const { at, fact } of events.toReversed())
    if (fact.type === "PaymentCaptured") captures.set(fact.payment.id, at);
  const authorized = events.flatMap(({ at, fact, origin }) => {
    if (fact.type !== "PaymentAuthorized") return [];
    const { id, payee, currency } = fact.payment;
    const key = { tenant: names.of("tenant", origin.tenant), merchant: names.of("account", payee), currency };
    const capturedAt = captures.get(id);
    const seconds = capturedAt === undefined ? null : (capturedAt - at) / 1_000_000;
    const status = latest.get(id)?.status ?? "";
    const date = dayIn(merchants.get(payee)?.timeZone ?? "UTC", at);
    return [{ key: { ...key, date }, seconds, lapsed: seconds === null && /^(voided|expired)$/.test(status) }];
  });
  return group(authorized, ({ key }) => key).map(({ row, of }) => {
    const seconds = of.flatMap((one) => (one.seconds === null ? [] : [one.seconds])).sort((a, b) => a - b);
    const counts = { authorized: of.length, captured: seconds.length, lapsed: of.filter((one) => one.lapsed).length };
    const median = ((seconds[(seconds.length - 1) >> 1] ?? 0) + (seconds[seconds.length >> 1] ?? 0)) / 2;
    return { ...row, ...counts, ...(seconds.length > 0 && { p50_seconds: median }) };
  });
}

/** Merchants, and payments as they are at the end. */
function endOf(events: readonly LedgerEvent[]) {
  const merchants = new Map<string, Account>();
  const latest = new Map<string, Payment>();
  for (const { fact } of events) {
    if (fact.type === "AccountOpened" && fact.account.type === "merchant") merchants.set(fact.account.id, fact.account);
    if ("payment" in fact && typeof fact.payment === "object") latest.set(fact.payment.id, fact.payment);
  }
  return { merchants, latest };
}

/** The first sale with a payment of each payer, or of each pair. Sales are in the order of their booking. */
function firstPayments(sales: readonly Sale[], of: (sale: Sale) => string): ReadonlySet<Sale> {
  const firsts = new Map<string, Sale>();
  for (const sale of sales) if (sale.captured > 0n && !firsts.has(of(sale))) firsts.set(of(sale), sale);
  return new Set(firsts.values());
}

function dayIn(timeZone: string, at: Micros): string {
  return new Intl.DateTimeFormat("en-CA", { timeZone, dateStyle: "short" }).format(new Date(at / 1000));
}

function group<Item>(items: readonly Item[], rowOf: (item: Item) => Figures) {
  const groups = new Map<string, { readonly row: Figures; readonly of: Item[] }>();
  for (const item of items) {
    const row = rowOf(item);
    const known = groups.get(JSON.stringify(row));
    if (known) known.of.push(item);
    else groups.set(JSON.stringify(row), { row, of: [item] });
  }
  return [...groups.values()];
}

function count(items: readonly string[]): number {
  return new Set(items).size;
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n);
}
