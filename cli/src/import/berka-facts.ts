import type { Amount } from "ledger-core";
import type { BankComparison } from "./berka-check.ts";
import type { BerkaRows } from "./berka-file.ts";
import type { BerkaRow } from "./berka-row.ts";
import type { LedgerSums } from "./ledger-sums.ts";

/** Facts about a set of rows from the data set's own description; amounts in hellers. */
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

/** Keyed by the digest of the rows' content (`BerkaRows.digest`, `FileRows.digest`). */
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

/** A set of a run's rows with known facts. */
export type KnownRows = { readonly rows: readonly BerkaRow[]; readonly facts: KnownFacts };

/**
 * The known sets among a run's rows, recognized by content: all rows together if they are one, else each file that is
 * one.
 */
export function knownRows(input: BerkaRows): readonly KnownRows[] {
  const all = knownFacts(input.digest);
  if (all !== undefined) return [{ rows: input.rows, facts: all }];
  const byDigest = new Map(input.files.map(({ digest, rows }) => [digest, rows]));
  return [...byDigest].flatMap(([digest, rows]) => {
    const facts = knownFacts(digest);
    return facts === undefined ? [] : [{ rows, facts }];
  });
}

export type Check = { readonly fact: string; readonly expected: string; readonly found: string; readonly met: boolean };

/**
 * The facts that must hold for any rows: the ledger has each row once, as in the files, and its total is zero. How far
 * the bank's own balances differ from the sums of its amounts is not among them, since a bank may round as it likes.
 */
export function checkAnyRows(
  rows: readonly BerkaRow[],
  found: BankComparison,
  sums: LedgerSums | undefined,
): readonly Check[] {
  let credits = 0n;
  let debits = 0n;
  for (const { amount } of rows) {
    if (amount > 0n) credits += amount;
    else debits -= amount;
  }
  return [
    check("rows that the ledger holds otherwise", 0, found.faults.length),
    check("rows in the ledger", rows.length, found.rows),
    check("sum of the rows' credits", credits, found.credits),
    check("sum of the rows' debits", debits, found.debits),
    check("sum of the whole ledger", 0n, sums?.byCurrency.CZK),
  ];
}

/** The facts known about these rows; each is reported with the rows' name. */
export function checkKnownRows(facts: KnownFacts, found: BankComparison): readonly Check[] {
  return [
    check(`${facts.name}: rows`, facts.rows, found.rows),
    check(`${facts.name}: customers`, facts.customers, found.customers),
    check(`${facts.name}: sum of credits`, facts.credits, found.credits),
    check(`${facts.name}: sum of debits`, facts.debits, found.debits),
    check(`${facts.name}: sum of customer balances`, facts.customersSum, found.customersSum),
    check(`${facts.name}: rows that agree exactly`, facts.exactRows, found.exactRows),
    check(`${facts.name}: largest difference`, facts.differenceMax, found.differenceMax),
    check(`${facts.name}: accounts exact at the end`, facts.exactAtEnd, found.exactAtEnd),
    check(`${facts.name}: rows below zero`, facts.belowZero, found.belowZero),
  ];
}

function check(fact: string, expected: Amount | number, found: Amount | number | undefined): Check {
  const text = found === undefined ? "not known" : String(found);
  return { fact, expected: String(expected), found: text, met: expected === found };
}
