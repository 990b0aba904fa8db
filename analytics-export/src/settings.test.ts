import { readConfiguration } from "ledger-core/process";
import { describe, expect, test } from "vitest";
import { embeddedEnvironment, exportPart } from "./settings.ts";

const EXPORT_KEY = "a key of at least 32 characters, planted";
const read = (environment: Readonly<Record<string, string>>) =>
  readConfiguration({ lake: exportPart }, { EXPORT_KEY, ...environment }).lake;

const abfss = "abfss://ledger@account1.dfs.core.windows.net";
const identity = { AZURE_TENANT_ID: "tenant", AZURE_CLIENT_ID: "client", AZURE_FEDERATED_TOKEN: "planted token" };

describe("where the history is exported to", () => {
  test.each([
    [abfss, "https://account1.blob.core.windows.net/ledger", ""],
    [`${abfss}/a/b=c/`, "https://account1.blob.core.windows.net/ledger", "a/b=c"],
    ["http://127.0.0.1:10000/devstore1/ledger/lake", "http://127.0.0.1:10000/devstore1/ledger", "lake"],
  ])("%s is a folder of a container", (url, container, folder) => {
    const target = read({ EXPORT: url, EXPORT_ACCOUNT_KEY: "planted account key" });
    expect(target).toMatchObject({ kind: "lake", place: { kind: "azure", container, folder } });
  });

  test("a workload identity logs in to Azure Storage without a key", () => {
    const login = { identity: { tenant: "tenant", client: "client", scope: "https://storage.azure.com/.default" } };
    expect(read({ EXPORT: abfss, ...identity })).toMatchObject({ place: { login } });
  });

  test.each([
    [{ EXPORT: abfss }, "EXPORT is on Azure: set EXPORT_ACCOUNT_KEY, or AZURE_TENANT_ID"],
    [
      { EXPORT: `${abfss}/lake?sig=planted` },
      "EXPORT holds a signature: put the account's key into EXPORT_ACCOUNT_KEY",
    ],
    [{ EXPORT: "https://example.org/lake" }, "EXPORT must be none, folder:<path> or abfss://"],
    [{ EXPORT: "http://10.0.0.1:1/devstore1/ledger" }, "EXPORT must be none, folder:<path> or abfss://"],
    [{ EXPORT: "http://127.0.0.1:10000/devstore1/ledger", ...identity }, "tokens never cross a network in clear"],
    [{ EXPORT: "folder:lake", EXPORT_ACCOUNT_KEY: "planted account key" }, "EXPORT_ACCOUNT_KEY is for an abfss:// URL"],
    [{ EXPORT: "folder:lake", EXPORT_KEY: "" }, "EXPORT_KEY is not set"],
  ])("%o is refused in words, and no secret is told", (environment, message) => {
    let told = "";
    try {
      read(environment);
    } catch (error) {
      told = String(error);
    }
    expect(told).toContain(message);
    expect(told).not.toContain("planted");
  });
});

test("an embedded ledger exports into its folder with its key, unless the environment says otherwise", () => {
  expect(embeddedEnvironment("/data", {})).toEqual({
    ...{ EXPORT: "folder:/data/lake", EXPORT_KEY_FILE: "/data/keys/export.key" },
    GOLD_TABLES: "folder:/data/lake",
  });
  expect(embeddedEnvironment("/data", { EXPORT: "none" })).toMatchObject({ EXPORT: "none" });
  expect(embeddedEnvironment("/data", { EXPORT: "folder:/lake", EXPORT_KEY })).toEqual({
    ...{ EXPORT: "folder:/lake", GOLD_TABLES: "folder:/lake", EXPORT_KEY },
  });
});
