import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { RevocationStore } from "../../ports/revocations.ts";
import { revocationSuite } from "../../testing/revocation-suite.ts";
import { openSqlite } from "./node-sqlite.ts";
import { openRevocationFile } from "./revocation-file.ts";

const folders = mkdtempSync(join(tmpdir(), "payledger-revocations-"));
afterAll(() => rmSync(folders, { recursive: true, force: true }));

revocationSuite("a file", async () => {
  const file = newFile();
  const opened: RevocationStore[] = [];
  const open = (writes: boolean) => {
    const store = openRevocationFile({ file, writes, pageMax: 3 });
    opened.push(store);
    return store;
  };
  const store = open(true);
  return {
    store,
    reader: () => open(false),
    async reopen() {
      await store.close();
      return open(true);
    },
    lose: async () => rmSync(file),
    async dispose() {
      for (const one of opened) await one.close();
    },
  };
});

function newFile(): string {
  return join(mkdtempSync(join(folders, "f-")), "revocations.sqlite");
}

test("a reader makes no file", async () => {
  const file = newFile();
  const reader = openRevocationFile({ file, writes: false });
  expect(await reader.read(undefined)).toMatchObject({ revocations: [], more: false });
  expect(existsSync(file)).toBe(false);
  await expect(reader.dropExpired(1)).rejects.toMatchObject({ code: "revocations_unavailable" });
});

test("a file that is none, or a newer version's, is unavailable until it is mended", async () => {
  const file = newFile();
  const store = openRevocationFile({ file, writes: true });
  writeFileSync(file, "not a database at all, but long enough to look like something".repeat(20));
  await expect(store.read(undefined)).rejects.toMatchObject({ code: "revocations_unavailable", retryable: true });
  rmSync(file);
  expect(await store.read(undefined)).toMatchObject({ revocations: [] });
  await store.close();
  const newer = openSqlite({ file });
  newer.exec("PRAGMA user_version = 2");
  newer.close();
  await expect(store.read(undefined)).rejects.toThrow(/has format 2; this version knows 1/);
});
