import { expect, test } from "vitest";
import { compareAccount, emptyComparison } from "./berka-check.ts";
import { type Check, checkAnyRows, checkKnownRows, knownFacts } from "./berka-facts.ts";
import type { BerkaRow } from "./berka-row.ts";
import { readRow } from "./berka-row.ts";
import type { BookedEntry } from "./entries.ts";

function row(line: number, id: string, day: string, amount: string, balance: string): BerkaRow {
  const type = amount.startsWith("-") ? ["VYDAJ", "VYBER"] : ["PRIJEM", "VKLAD"];
  const result = readRow([id, "7", day, ...type, amount.replace("-", ""), balance, "", "", ""], "f.csv", line);
  if ("fault" in result) throw new Error(result.fault);
  return result.row;
}

function entry(id: string, day: string, amount: bigint, balanceAfter: bigint): BookedEntry {
  return { reference: `berka:${id}`, amount, balanceAfter, effectiveDate: day };
}

const rows = [
  row(2, "1", "1993-01-05", "10.00", "10.00"),
  row(3, "2", "1993-01-06", "-12.00", "-2.00"),
  row(4, "3", "1993-01-07", "5.10", "3.40"),
];
const entries = [
  entry("1", "1993-01-05", 1000n, 1000n),
  entry("2", "1993-01-06", -1200n, -200n),
  entry("3", "1993-01-07", 510n, 310n),
];

test("entries that equal the rows agree, and differences from the bank are counted", () => {
  const found = emptyComparison();
  compareAccount(found, rows, entries);
  expect(found).toEqual({
    rows: 3,
    customers: 1,
    credits: 1510n,
    debits: 1200n,
    customersSum: 310n,
    exactRows: 2,
    differenceMax: 30n,
    exactAtEnd: 0,
    endDifferenceMax: 30n,
    belowZero: 1,
    faults: [],
  });
});

test("earlier entries of the account count only in its balance", () => {
  const found = emptyComparison();
  const later = [entry("0", "1992-12-31", 7n, 7n), entry("1", "1993-01-05", 1000n, 1007n)];
  compareAccount(found, rows.slice(0, 1), later);
  expect(found).toMatchObject({ rows: 1, credits: 1000n, customersSum: 1007n, differenceMax: 7n, faults: [] });
});

const [first, second, third] = entries;
test.each([
  ["absent", [first, third && { ...third, balanceAfter: 1510n }], "3: trans_id 2 is not in the ledger"],
  ["twice", [...entries, third && { ...third, balanceAfter: 820n }], "4: trans_id 3 is 2 times in the ledger"],
  [
    "another amount",
    [first && { ...first, amount: 999n, balanceAfter: 999n }],
    "2: trans_id 1 has amount 999 in the ledger",
  ],
  [
    "another day",
    [first && { ...first, effectiveDate: "1993-01-06" }],
    "2: trans_id 1 has date 1993-01-06 in the ledger",
  ],
  [
    "another order",
    [second && { ...second, balanceAfter: -1200n }, first && { ...first, balanceAfter: -200n }],
    "3: trans_id 2 stands before an earlier row in the ledger",
  ],
  [
    "a broken running balance",
    [first, second && { ...second, balanceAfter: 0n }],
    "2: account_id 7: running balance breaks",
  ],
])("%s is a fault of its line", (_name, booked, expected) => {
  const found = emptyComparison();
  compareAccount(
    found,
    rows,
    booked.filter((item) => item !== undefined),
  );
  expect(found.faults.map(({ line, detail }) => `${line}: ${detail}`)).toContain(expected);
});

test("the checks for any rows do not include the bank's own balances", () => {
  const found = emptyComparison();
  compareAccount(found, rows, entries);
  const sums = { byCurrency: { CZK: 0n }, customers: 310n, counterparties: -310n };
  const unmet = (...args: Parameters<typeof checkAnyRows>) => unmetOf(checkAnyRows(...args));
  expect(unmet(rows, found, sums)).toEqual([]);
  expect(unmet(rows, { ...found, exactRows: 0, differenceMax: 100_000n, belowZero: 3 }, sums)).toEqual([]);
  expect(unmet(rows, found, { ...sums, byCurrency: { CZK: 1n } })).toEqual(["sum of the whole ledger"]);
  expect(unmet(rows, found, undefined)).toEqual(["sum of the whole ledger"]);
  expect(unmet(rows, { ...found, rows: 2 }, sums)).toEqual(["rows in the ledger"]);
  expect(unmet(rows, { ...found, credits: 1509n, debits: 1199n }, sums)).toEqual([
    "sum of the rows' credits",
    "sum of the rows' debits",
  ]);
});

test("known rows are checked against each fact of their description, the largest difference too", () => {
  const facts = knownFacts("88a04fc91aba57c8436baa28f1ab7220fcf5e2862671463c58dc0244fd07891a");
  if (facts === undefined) throw new Error("the bank's year 1993 is known");
  const met = { ...emptyComparison(), ...facts };
  expect(unmetOf(checkKnownRows(facts, met))).toEqual([]);
  for (const [name, fact] of [
    ["rows", "rows"],
    ["credits", "sum of credits"],
    ["differenceMax", "largest difference"],
    ["belowZero", "rows below zero"],
  ] as const) {
    const other = typeof met[name] === "bigint" ? 61n : 1;
    expect(unmetOf(checkKnownRows(facts, { ...met, [name]: other }))).toEqual([`the bank's year 1993: ${fact}`]);
  }
  expect(knownFacts("")).toBeUndefined();
});

function unmetOf(checks: readonly Check[]): readonly string[] {
  return checks.filter(({ met }) => !met).map(({ fact }) => fact);
}
