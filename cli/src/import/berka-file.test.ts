import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readBerkaFiles } from "./berka-file.ts";
import { parseHellers } from "./berka-row.ts";

const header = "trans_id,account_id,date,type,operation,amount,balance,k_symbol,bank,account";
const good = "1,7,1993-01-05,PRIJEM,VKLAD,700.10,700.10,,,";

let dir = "";
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "berka-file-"));
});
afterAll(() => rmSync(dir, { recursive: true }));

function write(name: string, lines: readonly string[], end = "\n"): string {
  const path = join(dir, name);
  writeFileSync(path, lines.map((line) => line + end).join(""));
  return path;
}

/** `line: detail` of every fault of one file. */
async function faultsOf(lines: readonly string[]): Promise<readonly string[]> {
  const { faults } = await readBerkaFiles([write("case.csv", lines)]);
  return faults.map((fault) => `${fault.line}: ${fault.detail}`);
}

test("a row becomes a movement with a sign and its counterparty", async () => {
  const { rows, faults } = await readBerkaFiles([
    write("rows.csv", [
      header,
      good,
      "2,7,1993-01-06,VYDAJ,PREVOD NA UCET,100.00,600.10,SIPO,AB,4711",
      "3,7,1993-01-07,VYBER,VYBER,50.00,550.10,,,0",
      "4,7,1993-01-08,VYDAJ,VYBER KARTOU,1.00,549.10,,,",
      "5,7,1993-01-31,PRIJEM,,0.90,550.00,UROK,,",
    ]),
  ]);
  expect(faults).toEqual([]);
  expect(rows.map(({ amount, counterparty }) => [amount, counterparty])).toEqual([
    [70_010n, "cash"],
    [-10_000n, "AB:4711"],
    [-5_000n, "cash"],
    [-100n, "card"],
    [90n, "bank"],
  ]);
  expect(rows[1]).toMatchObject({
    line: 3,
    id: "2",
    account: "7",
    date: "1993-01-06",
    balance: 60_010n,
    symbol: "SIPO",
  });
});

test("a file is identified by its rows, not by its name or the other files", async () => {
  const other = "2,7,1993-01-06,VYDAJ,VYBER,1.00,699.10,,,";
  const alone = await readBerkaFiles([write("alone.csv", [header, good])]);
  const files = [write("renamed.csv", [header, good, good], "\r\n"), write("both.csv", [header, good, other])];
  const { digest, files: parts, repeated, rows } = await readBerkaFiles(files);
  expect({ rows: rows.length, repeated }).toEqual({ rows: 2, repeated: 2 });
  expect(parts.map((part) => part.rows.map(({ id }) => id))).toEqual([["1"], ["1", "2"]]);
  expect(parts[0]?.digest).toBe(alone.digest);
  expect(parts[1]?.digest).toBe(digest);
  expect(digest).not.toBe(alone.digest);
});

describe("a broken header imports nothing", () => {
  test.each([
    ["a missing column", header.replace(",balance", ""), "1: the header lacks balance"],
    ["other names", header.replace("amount", "sum"), "1: the header lacks amount"],
    ["one column more", `${header},note`, `1: the header is not ${header}`],
    ["no header", good, /^1: the header lacks trans_id/],
  ])("%s", async (_name, first, expected) => {
    const path = write("broken.csv", [first, good]);
    const { rows, faults } = await readBerkaFiles([path]);
    expect(rows).toEqual([]);
    expect(faults.map(({ line, detail }) => `${line}: ${detail}`)).toEqual([expect.stringMatching(expected)]);
  });

  test("an empty file", async () => {
    expect(await faultsOf([])).toEqual(["1: the file is empty: it has no header"]);
  });
});

describe("a broken row is named by its line, and all of them at once", () => {
  test.each([
    ["2,7,1993-02-30,PRIJEM,VKLAD,1.00,1.00,,,", 'date "1993-02-30" is not a date'],
    ["2,7,930105,PRIJEM,VKLAD,1.00,1.00,,,", 'date "930105" is not a date'],
    ["2,7,1993-01-05,GIFT,VKLAD,1.00,1.00,,,", 'type "GIFT" is unknown'],
    ["2,7,1993-01-05,constructor,VKLAD,1.00,1.00,,,", 'type "constructor" is unknown'],
    ["2,7,1993-01-05,PRIJEM,GIFT,1.00,1.00,,,", 'operation "GIFT" is unknown'],
    ["2,7,1993-01-05,PRIJEM,VYBER,1.00,1.00,,,", 'operation "VYBER" does not go with type "PRIJEM"'],
    ["2,7,1993-01-05,PRIJEM,VKLAD,0.00,1.00,,,", 'amount "0.00" is not a positive amount with two decimals'],
    ["2,7,1993-01-05,PRIJEM,VKLAD,-1.00,1.00,,,", 'amount "-1.00" is not a positive amount with two decimals'],
    ["2,7,1993-01-05,PRIJEM,VKLAD,1e3,1.00,,,", 'amount "1e3" is not a positive amount with two decimals'],
    ["2,7,1993-01-05,PRIJEM,VKLAD,,1.00,,,", 'amount "" is not a positive amount with two decimals'],
    ["2,7,1993-01-05,PRIJEM,VKLAD,1.00,abc,,,", 'balance "abc" is not an amount with two decimals'],
    ["x,7,1993-01-05,PRIJEM,VKLAD,1.00,1.00,,,", 'trans_id "x" is not a number'],
    ["2,,1993-01-05,PRIJEM,VKLAD,1.00,1.00,,,", 'account_id "" is not a number'],
    ["2,7,1993-01-05,PRIJEM,VKLAD,1.00,1.00,,", "9 columns, and there must be 10"],
    ["1,7,1993-01-05,PRIJEM,VKLAD,1.00,1.00,,,", "trans_id 1 stands with other content in line 2"],
  ])("%s", async (row, detail) => {
    expect(await faultsOf([header, good, "9,7,1993-01-05,VYDAJ,VYBER,1.00,1.00,,,", row])).toEqual([`4: ${detail}`]);
  });

  test("three of them", async () => {
    const faults = await faultsOf([
      header,
      "x",
      good,
      "2,7,bad,PRIJEM,VKLAD,1.00,1.00,,,",
      "3,7,1993-01-05,?,,1.00,1.00,,,",
    ]);
    expect(faults.map((fault) => fault.split(":")[0])).toEqual(["2", "4", "5"]);
  });

  test("quoting that does not end", async () => {
    const [fault] = await faultsOf([header, good, '2,"7,1993-01-05']);
    expect(fault).toMatch(/not CSV/);
  });

  test("a file that is not there", async () => {
    const { faults } = await readBerkaFiles([join(dir, "absent.csv")]);
    expect(faults).toMatchObject([{ line: 0, detail: expect.stringContaining("ENOENT") }]);
  });
});

test("a row repeated with the same content counts once, even across files", async () => {
  const first = write("first.csv", [header, good, good]);
  const second = write("second.csv", [header, good, "2,7,1993-01-06,VYDAJ,VYBER,1.00,699.10,,,"]);
  const { rows, repeated, faults } = await readBerkaFiles([first, second]);
  expect([rows.length, repeated, faults]).toEqual([2, 2, []]);
});

test("a trans_id with other content in another file is named with both places", async () => {
  const first = write("first.csv", [header, good]);
  const second = write("second.csv", [header, good.replace("700.10,", "700.20,")]);
  const { faults } = await readBerkaFiles([first, second]);
  expect(faults).toEqual([{ file: second, line: 2, detail: `trans_id 1 stands with other content in ${first}:2` }]);
});

test("the digest covers the rows, but not line ends, a byte order mark, or the split into files", async () => {
  const other = "2,7,1993-01-06,VYDAJ,VYBER,1.00,699.10,,,";
  const whole = await readBerkaFiles([write("whole.csv", [header, good, other])]);
  const windows = await readBerkaFiles([write("windows.csv", [`\ufeff${header}`, good, other], "\r\n")]);
  const cut = await readBerkaFiles([write("a.csv", [header, good]), write("b.csv", [header, other])]);
  const changed = await readBerkaFiles([write("changed.csv", [header, other, good])]);
  expect(windows.digest).toBe(whole.digest);
  expect(cut.digest).toBe(whole.digest);
  expect(changed.digest).not.toBe(whole.digest);
});

test("hellers are exact where a float is not", () => {
  expect(parseHellers("90071992547409.93")).toBe(9_007_199_254_740_993n);
  expect(parseHellers("-0.10")).toBe(-10n);
  for (const text of ["1", "1.0", "1.000", "01.00", "+1.00", "1,00", " 1.00", ".50", "NaN"]) {
    expect(parseHellers(text), text).toBeUndefined();
  }
});
