import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { openRevocationFile } from "../adapters/sqlite/revocation-file.ts";
import { LedgerError } from "../domain/errors.ts";
import type { RevocationStore } from "../ports/revocations.ts";
import { revocationSuite } from "../testing/revocation-suite.ts";
import { withOwnRevocations } from "./own-revocations.ts";

const folders = mkdtempSync(join(tmpdir(), "payledger-own-revocations-"));
afterAll(() => rmSync(folders, { recursive: true, force: true }));

function newFiles() {
  const folder = mkdtempSync(join(folders, "f-"));
  const [shared, own] = [join(folder, "shared.sqlite"), join(folder, "own.sqlite")];
  const open = (file: string, writes = true) => openRevocationFile({ file, writes, pageMax: 3 });
  return { shared, open, both: () => withOwnRevocations(open(shared), open(own)) };
}

revocationSuite("a shared store with an own one beside it", async () => {
  const { shared, open, both } = newFiles();
  const opened: RevocationStore[] = [];
  const kept = (one: RevocationStore) => {
    opened.push(one);
    return one;
  };
  const store = kept(both());
  return {
    store,
    reader: () => kept(open(shared, false)),
    async reopen() {
      await store.close();
      return kept(both());
    },
    lose: async () => rmSync(shared),
    async dispose() {
      for (const one of opened) await one.close();
    },
  };
});

const NOW = 1_700_000_000_000_000;
const revocation = (id: string) => ({ tenant: "t", id, revokedAt: NOW, until: NOW + 1 });

test("after a restart a shared store that lost everything is given again what was added here", async () => {
  const { shared, open, both } = newFiles();
  const before = both();
  const all = ["a", "b", "c", "d", "e", "f", "g"].map(revocation);
  for (const one of all) await before.add(one);
  await before.close();
  rmSync(shared);
  const after = both();
  await after.read(undefined);
  const reader = open(shared, false);
  const page = await reader.read(undefined);
  const rest = await reader.read(page.cursor);
  expect([...page.revocations, ...rest.revocations]).toEqual(all.slice(0, 6));
  for (const store of [after, reader]) await store.close();
});

test("what the own store does not take is not shared", async () => {
  const { shared, open } = newFiles();
  const full = open(shared);
  const disk = new LedgerError("revocations_unavailable", "the disk is full", { retryable: true });
  vi.spyOn(full, "add").mockRejectedValue(disk);
  const store = withOwnRevocations(open(shared), full);
  await expect(store.add(revocation("a"))).rejects.toBe(disk);
  expect((await store.read(undefined)).revocations).toEqual([]);
  await store.close();
});
