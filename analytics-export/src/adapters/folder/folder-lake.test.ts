import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { makeLakeFolder } from "../../testing/folder.ts";
import { lakeSuite } from "../../testing/lake-suite.ts";

lakeSuite("in a folder", async () => {
  const { open, remove } = makeLakeFolder();
  return { lake: open(), reopen: open, dispose: remove };
});

const folder = makeLakeFolder();
afterAll(() => folder.remove());

test("nothing unfinished remains, whether a file was created or not", async () => {
  const lake = folder.open();
  await lake.create("a", new Uint8Array(10));
  await lake.create("a", new Uint8Array(20));
  expect(readdirSync(join(folder.dir, "_unfinished"))).toEqual([]);
});

test("a folder that is a file is an error of the lake, not a bug", async () => {
  const lake = folder.open();
  await lake.create("file", new Uint8Array(1));
  await expect(lake.create("file/below", new Uint8Array(1))).rejects.toMatchObject({ code: "store_unavailable" });
  await expect(lake.names("file", "")).rejects.toMatchObject({ code: "store_unavailable" });
});

test("a folder that someone removes is made again", async () => {
  const lake = folder.open();
  await lake.create("table/first", new Uint8Array(1));
  rmSync(join(folder.dir, "table"), { recursive: true });
  await expect(lake.create("table/second", new Uint8Array(1))).rejects.toMatchObject({ code: "store_unavailable" });
  expect(await lake.create("table/second", new Uint8Array(1))).toBe(true);
});
