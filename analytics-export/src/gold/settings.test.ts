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

test("a warehouse with a token, or this workload's identity", () => {
  const GOLD_TABLES = "databricks://adb-1.2.azuredatabricks.net/abc123/payledger/gold";
  const gold = read({ GOLD_TABLES, EXPORT_KEY, GOLD_TABLES_TOKEN: "a planted token of 16" });
  const place = { warehouse: "abc123", catalog: "payledger", schema: "gold" };
  expect(gold).toMatchObject({ kind: "databricks", url: "https://adb-1.2.azuredatabricks.net", ...place });
  expect(JSON.stringify(gold)).not.toContain("planted");
  const azure = { AZURE_TENANT_ID: "t", AZURE_CLIENT_ID: "c", AZURE_FEDERATED_TOKEN: "planted" };
  expect(read({ GOLD_TABLES, EXPORT_KEY, ...azure })).toMatchObject({
    login: { identity: { tenant: "t", scope: "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d/.default" } },
  });
  expect(read({ GOLD_TABLES: "databricks://127.0.0.1:80/a/b/c", EXPORT_KEY, ...azure })).toMatchObject({
    url: "http://127.0.0.1:80",
  });
});

test.each([
  [
    { GOLD_TABLES: "databricks://host.net/abc/payledger/gold", EXPORT_KEY },
    "set GOLD_TABLES_TOKEN, or AZURE_TENANT_ID",
  ],
  [{ GOLD_TABLES: "databricks://token:planted@host.net/abc/c/s", EXPORT_KEY }, "holds credentials"],
  [{ GOLD_TABLES: "databricks://host.net/abc/payledger", EXPORT_KEY }, "GOLD_TABLES must be none, folder:"],
  [{ GOLD_TABLES: "databricks://host.net/abc/pay`ledger/gold", EXPORT_KEY }, "GOLD_TABLES must be none, folder:"],
  [{ GOLD_TABLES: "http://host.net/abc/payledger/gold", EXPORT_KEY }, "GOLD_TABLES must be none, folder:"],
  [{ GOLD_TABLES_TOKEN: "a planted token.." }, "GOLD_TABLES_TOKEN is for a databricks:// URL"],
  [{ GOLD_TABLES: "folder:", EXPORT_KEY }, "GOLD_TABLES must be none"],
  [{ GOLD_TABLES: "/data/lake", EXPORT_KEY }, "GOLD_TABLES must be none"],
  [{ GOLD_TABLES: "folder:/data/lake" }, "EXPORT_KEY is not set: rows of GOLD_TABLES are found by the pseudonyms"],
])("%o is refused in words", (environment: Readonly<Record<string, string>>, message) => {
  expect(() => read(environment)).toThrow(message);
  expect(() => read(environment)).not.toThrow("planted");
});
