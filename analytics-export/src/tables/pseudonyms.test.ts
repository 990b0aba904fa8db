import { createHmac } from "node:crypto";
import { idBody, makeId } from "ledger-core";
import { expect, test } from "vitest";
import { makePseudonyms } from "./pseudonyms.ts";

const key = "a key of at least 32 characters, for tests";

test("a pseudonym is the first half of an HMAC of data set, kind and id, however many ids there are", () => {
  const names = makePseudonyms(key, "sales");
  const expected = (kind: string, id: string) =>
    createHmac("sha256", key).update(`sales\n${kind}\n${id}`).digest("hex").slice(0, 32);
  const ids = Array.from({ length: 120_000 }, (_, index) => `acct_${index}`);
  const made = ids.map((id) => names.of("account", id));
  for (const index of [0, 1, 49_999, 50_000, 119_999]) {
    const id = `acct_${index}`;
    expect(made[index]).toBe(expected("account", id));
    expect(names.of("account", id)).toBe(made[index]);
    expect(names.of("owner", id)).toBe(expected("owner", id));
    expect(names.of("tenant", id)).toBe(expected("tenant", id));
  }
  expect(new Set(made).size).toBe(ids.length);
});

test("an account's name in the bytes of an event is that of its id, of more accounts than are remembered", () => {
  const names = makePseudonyms(key, "sales");
  const other = makePseudonyms(key, "others");
  const prefix = "acct_".length;
  for (let round = 0; round < 2; round++)
    for (let revision = 0; revision < 70_000; revision += 1 + 30_000 * round) {
      const id = makeId("acct", idBody(1e15, { shard: 0, revision }, 7));
      const cursor = { bytes: Buffer.from(`${id}"`), at: prefix };
      expect(names.takeAccount(cursor, prefix)).toBe(names.of("account", id));
      expect(cursor.at).toBe(id.length);
      if (round === 1) expect(other.takeAccount({ ...cursor, at: prefix }, prefix)).toBe(other.of("account", id));
    }
  expect(names.takeAccount({ bytes: Buffer.from('"'), at: 0 }, 0)).toBeUndefined();
});
