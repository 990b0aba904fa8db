import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { newestStore, storeToOpen } from "./store-files.ts";

function folderOf(...names: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "store-names-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const name of names) writeFileSync(join(folder, name), "");
  return folder;
}

test.each([
  { there: [], newest: "models.sqlite", open: "models.sqlite" },
  { there: ["models.sqlite", "views.2.sqlite"], newest: "models.sqlite", open: "models.sqlite" },
  { there: ["models.sqlite", "models.9.sqlite", "models.10.sqlite"], newest: "models.10.sqlite" },
  { there: ["models.2.sqlite", "models.3.sqlite-shm", "models.4.sqlite.damaged"], newest: "models.2.sqlite" },
  { there: ["models.sqlite.damaged"], newest: "models.sqlite", open: "models.2.sqlite" },
  { there: ["models.2.sqlite.damaged", "models.3.sqlite-wal"], newest: "models.sqlite", open: "models.4.sqlite" },
  { there: ["models.x.sqlite", "models.07.sqlite", "models2.sqlite", "models.sqlite.bak"], newest: "models.sqlite" },
])("of $there, $newest is read", ({ there, newest, open = newest }) => {
  const folder = folderOf(...there);
  const first = join(folder, "models.sqlite");
  expect(newestStore(first)).toBe(join(folder, newest));
  expect(storeToOpen(first)).toBe(join(folder, open));
});

test.each([
  { there: [], last: "models.sqlite", open: "models.2.sqlite" },
  { there: ["models.sqlite"], last: "models.sqlite", open: "models.sqlite" },
  { there: ["models.sqlite"], last: "models.3.sqlite", open: "models.4.sqlite" },
  { there: ["models.4.sqlite"], last: "models.3.sqlite", open: "models.4.sqlite" },
  { there: ["models.3.sqlite.damaged", "models.4.sqlite-shm"], last: "models.3.sqlite", open: "models.5.sqlite" },
])("after $last was open, and with $there, $open is opened", ({ there, last, open }) => {
  const folder = folderOf(...there);
  expect(storeToOpen(join(folder, "models.sqlite"), join(folder, last))).toBe(join(folder, open));
});

test("in a folder that cannot be listed, the first file is tried", () => {
  expect(newestStore("/nowhere/models.sqlite")).toBe("/nowhere/models.sqlite");
  expect(storeToOpen("/nowhere/models.sqlite")).toBe("/nowhere/models.sqlite");
});
