import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { filesIn, sizesOf } from "./sizes.ts";

test("files are counted by kind", () => {
  const files = {
    ...{ "events.sqlite": 100, "events.sqlite-wal": 10, "state.sqlite": 20, "state.sqlite-wal": 3 },
    ...{ "models.sqlite": 50, "models.sqlite-wal": 4, "lake/payments/part-0.parquet": 7, "revocations.sqlite": 1 },
  };
  expect(sizesOf(files)).toEqual({ logBytes: 100, stateBytes: 20, modelsBytes: 50, lakeBytes: 7, walBytes: 17 });
});

test("files are found in folders, too", () => {
  const folder = mkdtempSync(join(tmpdir(), "payledger-sizes-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "lake"));
  writeFileSync(join(folder, "events.sqlite"), "12345");
  writeFileSync(join(folder, "lake", "one"), "123");
  expect(sizesOf(filesIn(folder))).toMatchObject({ logBytes: 5, lakeBytes: 3 });
});
