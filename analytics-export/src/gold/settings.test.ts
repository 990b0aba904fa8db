import { readConfiguration } from "ledger-core/process";
import { expect, test } from "vitest";
import { goldPart } from "./settings.ts";

const EXPORT_KEY = "a planted key of 32 characters or more";
const read = (environment: Readonly<Record<string, string>>) => readConfiguration({ gold: goldPart }, environment).gold;

test("none by default; a folder with the export's key and data set", () => {
  expect(read({})).toEqual({ kind: "none" });
  expect(read({ GOLD_TABLES: "none" })).toEqual({ kind: "none" });
  const gold = read({ GOLD_TABLES: "folder:/data/lake", EXPORT_KEY, EXPORT_DATA_SET: "research" });
  expect(gold).toMatchObject({ kind: "folder", folder: "/data/lake", dataSet: "research" });
  expect(JSON.stringify(gold)).not.toContain("planted");
});

test.each([
  [{ GOLD_TABLES: "folder:", EXPORT_KEY }, "GOLD_TABLES must be none"],
  [{ GOLD_TABLES: "/data/lake", EXPORT_KEY }, "GOLD_TABLES must be none"],
  [{ GOLD_TABLES: "folder:/data/lake" }, "EXPORT_KEY is not set: rows of GOLD_TABLES are found by the pseudonyms"],
])("%o is refused in words", (environment: Readonly<Record<string, string>>, message) => {
  expect(() => read(environment)).toThrow(message);
});
