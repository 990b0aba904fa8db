import { createHmac } from "node:crypto";

/** Pseudonyms of ids. An id has one in each data set, and only the holder of the key can tell whose it is. */
export type Pseudonyms = { of(kind: "account" | "owner" | "tenant", id: string): string };

/** Names kept in memory; the oldest give way. */
const KEPT_MAX = 100_000;
const NAME_BYTES = 16;

/**
 * The first 16 bytes of an HMAC-SHA-256 in hex. The data set is part of what is hashed: two data sets of one ledger
 * cannot be joined.
 * @param key at least 32 characters
 */
export function makePseudonyms(key: string, dataSet: string): Pseudonyms {
  const kept = new Map<string, string>();
  return {
    of(kind, id) {
      const text = `${kind}\n${id}`;
      const known = kept.get(text);
      if (known !== undefined) return known;
      const digest = createHmac("sha256", key).update(`${dataSet}\n${text}`).digest();
      const name = digest.subarray(0, NAME_BYTES).toString("hex");
      if (kept.size >= KEPT_MAX) for (const oldest of kept.keys()) if (kept.delete(oldest)) break;
      kept.set(text, name);
      return name;
    },
  };
}
