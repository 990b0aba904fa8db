import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { KeyHasher } from "./key-hasher.ts";

const referenceKey = Uint8Array.from({ length: 16 }, (_, i) => i);

/**
 * The published test vectors of SipHash-2-4: hashes of the messages 00, 00 01, 00 01 02 … under the key 00 01 … 0f,
 * lowest byte first.
 */
const vectors: [number, string][] = [
  [0, "310e0edd47db6f72"],
  [1, "fd67dc93c539f874"],
  [2, "5a4fa9d909806c0d"],
  [3, "2d7efbd796666785"],
  [4, "b7877127e09427cf"],
  [5, "8da699cd64557618"],
  [6, "cee3fe586e46c9cb"],
  [7, "37d1018bf50002ab"],
  [15, "e545be4961ca29a1"],
];

function hashOf(hasher: KeyHasher, tenant: string, sub: string, key: string): { high: number; low: number } {
  hasher.hash(tenant, sub, key);
  return { high: hasher.high, low: hasher.low };
}

describe("the hash of keys", () => {
  test.each(vectors)("is SipHash-2-4: %i bytes", (length, expected) => {
    const hasher = new KeyHasher(referenceKey);
    hasher.hashBytes(String.fromCharCode(...Array.from({ length }, (_, i) => i)));
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32LE(hasher.low, 0);
    bytes.writeUInt32LE(hasher.high, 4);
    expect(bytes.toString("hex")).toBe(expected);
  });

  test("of a key in its scope equals that of their bytes, whatever was hashed before", () => {
    const text = fc.oneof(fc.stringMatching(/^[ -~]{0,20}$/), fc.string({ unit: "grapheme", maxLength: 6 }));
    const hasher = new KeyHasher(referenceKey);
    const plain = new KeyHasher(referenceKey);
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text, text), { maxLength: 5 }), (keys) => {
        for (const [tenant, sub, key] of [...keys, ...keys]) {
          const scope = Buffer.from(`${tenant}\n${sub}\n`);
          const padding = Buffer.alloc((8 - (scope.length % 8)) % 8);
          plain.hashBytes(Buffer.concat([scope, padding, Buffer.from(key)]).toString("latin1"));
          expect(hashOf(hasher, tenant, sub, key)).toEqual({ high: plain.high, low: plain.low });
        }
      }),
    );
  });

  test("is another under another key of the hash", () => {
    const one = hashOf(new KeyHasher(referenceKey), "t", "alice", "key-1");
    expect(hashOf(new KeyHasher(referenceKey.slice().reverse()), "t", "alice", "key-1")).not.toEqual(one);
  });
});
