import { createHmac, createSecretKey } from "node:crypto";
import { type IdMemo, makeIdMemo } from "ledger-core";

/** Pseudonyms of ids. An id has one in each data set, and only the holder of the key can tell whose it is. */
export type Pseudonyms = {
  of(kind: IdKind, id: string): string;
  /** The same for the id of an account in the bytes of an event. */
  readonly takeAccount: IdMemo<string>;
};

type IdKind = "account" | "owner" | "tenant";

/** Names of a kind kept in memory. */
const KEPT_MAX = 100_000;
const NAME_BYTES = 16;

/**
 * The first 16 bytes of an HMAC-SHA-256 in hex. The data set is part of what is hashed: two data sets of one ledger
 * cannot be joined.
 * @param key at least 32 characters
 */
export function makePseudonyms(key: string, dataSet: string): Pseudonyms {
  const secret = createSecretKey(Buffer.from(key));
  const keep = (kind: IdKind) =>
    keepNames((id) => {
      const digest = createHmac("sha256", secret).update(`${dataSet}\n${kind}\n${id}`).digest();
      return digest.toString("hex", 0, NAME_BYTES);
    });
  const kept = { account: keep("account"), owner: keep("owner"), tenant: keep("tenant") };
  return { of: (kind, id) => kept[kind](id), takeAccount: makeIdMemo(kept.account) };
}

/** Keeps the names used last: when the newer half is full, the older half is dropped. */
function keepNames(make: (id: string) => string): (id: string) => string {
  let newer = new Map<string, string>();
  let older = newer;
  function find(id: string): string {
    const known = newer.get(id);
    if (known !== undefined) return known;
    const name = older.get(id) ?? make(id);
    if (newer.size >= KEPT_MAX / 2) {
      older = newer;
      newer = new Map();
    }
    newer.set(id, name);
    return name;
  }
  // An event names its two parties again and again.
  let [last, before] = [
    { id: "", name: find("") },
    { id: "", name: find("") },
  ];
  return (id) => {
    if (id === last.id) return last.name;
    if (id !== before.id) before = { id, name: find(id) };
    [last, before] = [before, last];
    return last.name;
  };
}
