import { type Amount, formatAmount, parseCurrency } from "ledger-core";
import type { BankComparison } from "./berka-check.ts";
import type { Check } from "./berka-facts.ts";
import type { BerkaRows, RowFault } from "./berka-file.ts";
import type { LedgerSums } from "./ledger-sums.ts";

/** The result of an import. */
export type ImportReport = {
  readonly files: readonly string[];
  readonly input: Pick<BerkaRows, "repeated" | "digest">;
  readonly posted: number;
  readonly accountsOpened: number;
  readonly eventsAdded: number | undefined;
  readonly postingMs: number;
  readonly totalMs: number;
  readonly comparison: BankComparison;
  readonly sums: LedgerSums | undefined;
  readonly knownAs: string | undefined;
  readonly checks: readonly Check[];
};

const FAULTS_SHOWN = 20;

/** The report as one JSON document; amounts as strings of minor units. */
export function reportDocument(report: ImportReport): Record<string, unknown> {
  const { comparison, sums } = report;
  return {
    files: report.files,
    rows: comparison.rows,
    rowsPosted: report.posted,
    rowsRepeatedInFiles: report.input.repeated,
    digest: report.input.digest,
    seconds: report.totalMs / 1000,
    postingSeconds: report.postingMs / 1000,
    rowsPerSecond: rate(report),
    accountsOpened: report.accountsOpened,
    eventsAdded: report.eventsAdded ?? null,
    currency: "CZK",
    credits: text(comparison.credits),
    debits: text(comparison.debits),
    customers: comparison.customers,
    customersSum: text(comparison.customersSum),
    customersSumNow: sums ? text(sums.customers) : null,
    counterpartiesSumNow: sums ? text(sums.counterparties) : null,
    ledgerSum: sums ? text(sums.byCurrency.CZK ?? 0n) : null,
    rowsExact: comparison.exactRows,
    differenceMax: text(comparison.differenceMax),
    differenceMaxAtEnd: text(comparison.endDifferenceMax),
    accountsExactAtEnd: comparison.exactAtEnd,
    rowsBelowZero: comparison.belowZero,
    faults: comparison.faults,
    knownAs: report.knownAs ?? null,
    checks: report.checks,
  };
}

/** The report as text, one line per figure. */
export function reportLines(report: ImportReport, checked: boolean): readonly string[] {
  const { comparison: found, sums } = report;
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  const lines = [
    line("rows", `${found.rows} in the ledger, ${report.posted} of them posted now`),
    line("time", `${seconds(report.totalMs)}, ${seconds(report.postingMs)} of it posting`),
    line("rows/s", report.posted === 0 ? "nothing to post" : String(rate(report))),
    line("accounts", `${found.customers} customers; ${report.accountsOpened} accounts opened now`),
    line("events added", report.eventsAdded === undefined ? "not known" : String(report.eventsAdded)),
    line("credits", crowns(found.credits)),
    line("debits", crowns(found.debits)),
    line("sum of customer balances", crowns(found.customersSum)),
    line("sum of counterparties", sums ? crowns(sums.counterparties) : "not known: the ledger is too busy"),
    line("sum of the whole ledger", sums ? crowns(sums.byCurrency.CZK ?? 0n) : "not known: the ledger is too busy"),
    line("rows that agree exactly", `${found.exactRows} of ${found.rows} with the bank's own balance`),
    line("largest difference", `${crowns(found.differenceMax)}`),
    line(
      "accounts exact at the end",
      `${found.exactAtEnd} of ${found.customers}, the others within ${crowns(found.endDifferenceMax)}`,
    ),
    line("rows below zero", String(found.belowZero)),
  ];
  if (report.input.repeated > 0) lines.push(line("rows repeated in files", String(report.input.repeated)));
  lines.push(...faultLines(found.faults));
  return checked ? [...lines, ...checkLines(report)] : lines;
}

function checkLines(report: ImportReport): readonly string[] {
  const unmet = report.checks.filter((check) => !check.met);
  const unknown = "rows whose figures are not known; only what must hold of any rows was checked";
  const what = report.knownAs ?? unknown;
  return [
    ...unmet.map((check) => `NOT MET  ${check.fact}: expected ${check.expected}, found ${check.found}`),
    `check: ${report.checks.length - unmet.length} of ${report.checks.length} facts met (${what})`,
  ];
}

/** Faults by file and line; only the first twenty. */
export function faultLines(faults: readonly RowFault[]): readonly string[] {
  const lines = faults.slice(0, FAULTS_SHOWN).map(({ file, line, detail }) => `${file}:${line}: ${detail}`);
  return faults.length > FAULTS_SHOWN ? [...lines, `and ${faults.length - FAULTS_SHOWN} faults more`] : lines;
}

function line(name: string, value: string): string {
  return `${name.padEnd(26)} ${value}`;
}

function rate({ posted, postingMs }: ImportReport): number {
  return Math.round((posted * 1000) / Math.max(postingMs, 1));
}

function text(amount: Amount): string {
  return amount.toString();
}

function crowns(amount: Amount): string {
  const currency = parseCurrency("CZK");
  if (currency === undefined) throw new Error("the ledger does not know CZK");
  return `${formatAmount(amount, currency)} CZK`;
}
