import type { Amount } from "ledger-core";
import type { Comparison } from "./berka-check.ts";
import type { LedgerSums } from "./ledger-sums.ts";

/** What is known of a set of rows from the data set's own description; amounts in hellers. */
export type KnownFacts = {
  readonly name: string;
  readonly rows: number;
  readonly customers: number;
  readonly credits: Amount;
  readonly debits: Amount;
  readonly customersSum: Amount;
  readonly exactRows: number;
  readonly differenceMax: Amount;
  readonly exactAtEnd: number;
  readonly belowZero: number;
};

/** Most that a row's balance may differ from the bank's own: the source rounds its amounts to 0.10 CZK. */
export const DIFFERENCE_MAX: Amount = 60n;

/** Keyed by the digest of the rows' content (`BerkaRows.digest`). */
const known: ReadonlyMap<string, KnownFacts> = new Map([
  [
    "88a04fc91aba57c8436baa28f1ab7220fcf5e2862671463c58dc0244fd07891a",
    {
      name: "the bank's year 1993",
      rows: 28_205,
      customers: 1_139,
      credits: 12_044_223_740n,
      debits: 8_386_629_130n,
      customersSum: 3_657_594_610n,
      exactRows: 17_774,
      differenceMax: 60n,
      exactAtEnd: 681,
      belowZero: 15,
    },
  ],
]);

export function knownFacts(digest: string): KnownFacts | undefined {
  return known.get(digest);
}

export type Check = { readonly fact: string; readonly expected: string; readonly found: string; readonly met: boolean };

/** Every fact that must hold: those of any rows, and for known rows those of their description too. */
export function checkFacts(
  found: Comparison,
  sums: LedgerSums | undefined,
  facts: KnownFacts | undefined,
): readonly Check[] {
  const checks: Check[] = [
    check("rows that the ledger holds otherwise", 0, found.faults.length),
    check("sum of the whole ledger", 0n, sums?.byCurrency.CZK),
    check("largest difference at most", DIFFERENCE_MAX, found.differenceMax, found.differenceMax <= DIFFERENCE_MAX),
  ];
  if (facts === undefined) return checks;
  return [
    ...checks,
    check("rows", facts.rows, found.rows),
    check("customers", facts.customers, found.customers),
    check("sum of credits", facts.credits, found.credits),
    check("sum of debits", facts.debits, found.debits),
    check("sum of customer balances", facts.customersSum, found.customersSum),
    check("rows that agree exactly", facts.exactRows, found.exactRows),
    check("largest difference", facts.differenceMax, found.differenceMax),
    check("accounts exact at the end", facts.exactAtEnd, found.exactAtEnd),
    check("rows below zero", facts.belowZero, found.belowZero),
  ];
}

function check(fact: string, expected: Amount | number, found: Amount | number | undefined, met?: boolean): Check {
  const text = found === undefined ? "not known" : String(found);
  return { fact, expected: String(expected), found: text, met: met ?? expected === found };
}
