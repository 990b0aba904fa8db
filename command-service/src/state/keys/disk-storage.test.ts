import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openDiskStorage } from "./disk-storage.ts";
import { flush, keyStore, revisionsOf } from "./keys.fixture.ts";

function folderOf(): string {
  const folder = mkdtempSync(join(tmpdir(), "payledger-keys-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "keys");
}

test("keys are written and merged by a thread, and found after a reopening", async () => {
  const folder = folderOf();
  const storage = openDiskStorage(folder);
  const store = keyStore(storage, null);
  let manifest = "";
  for (let n = 0; n < 2000; n++) {
    store.add("t", "s", `key-${n}`, n);
    if (n % 100 === 99) manifest = await flush(store);
  }
  for (let n = 0; n < 2000; n += 97) expect(await revisionsOf(store, `key-${n}`)).toEqual([n]);
  await storage.close();
  writeFileSync(join(folder, "0000099999.keys"), "left by a crash");
  const opened = openDiskStorage(folder);
  const again = keyStore(opened, manifest);
  for (let n = 0; n < 2100; n += 97) expect(await revisionsOf(again, `key-${n}`)).toEqual(n < 2000 ? [n] : []);
  await again.onDisk.settled();
  await flush(again);
  await opened.run({ kind: "remove", files: [] });
  expect(readdirSync(folder)).not.toContain("0000099999.keys");
  await opened.close();
});

test("a file that is missing or ends too early is damage; a folder that cannot be written is not", async () => {
  const folder = folderOf();
  const storage = openDiskStorage(folder);
  await expect(storage.read(1, 0, 10)).rejects.toMatchObject({ code: "state_corrupt" });
  writeFileSync(join(folder, "0000000002.keys"), "short");
  await expect(storage.read(2, 0, 10)).rejects.toMatchObject({ code: "state_corrupt" });
  const part = { file: 1, seed: 1, keys: 4, entriesPerBlock: 4, layers: 1 };
  const merge = { kind: "merge", inputs: [[part]], part: { ...part, nth: 0 }, partCount: 1 } as const;
  // /readyz shows the reason to anybody, so it names no folder.
  const reason = expect.stringMatching(/: 0000000001\.keys is missing$/);
  await expect(storage.run(merge)).rejects.toMatchObject({ code: "state_corrupt", message: reason });
  rmSync(folder, { recursive: true });
  writeFileSync(folder, "in its place");
  const columns = { high: Uint32Array.of(1), low: Uint32Array.of(1), revision: Float64Array.of(1) };
  const parts = [{ file: 3, seed: 1, entriesPerBlock: 4, layers: 1, nth: 0 }];
  await expect(storage.run({ kind: "write", columns, parts })).rejects.toMatchObject({ code: "state_unavailable" });
  await storage.close();
  await expect(storage.run({ kind: "remove", files: [] })).rejects.toMatchObject({ code: "state_unavailable" });
});
