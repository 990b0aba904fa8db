import { beforeAll, describe, expect, test } from "vitest";
import { hostileTokens } from "../testing/hostile-tokens.ts";
import {
  authenticator,
  createSigningKeys,
  embeddedIds,
  formatSigningKeys,
  parseSigningKeys,
  type SigningKeys,
  sessionOf,
  signToken,
  unauthorized,
} from "./tokens.ts";

const alice = { tenant: "acme", role: "consumer", sub: "alice@acme" } as const;
const refused = { name: "Problem", code: "unauthorized", headers: { "www-authenticate": "Bearer" } };

let keys: SigningKeys;
beforeAll(async () => {
  keys = await createSigningKeys();
});

describe("a token", () => {
  test("has an id of its own, by which it is revoked, however often it was accepted before", async () => {
    const revoked = new Set<string>();
    const revocations = {
      version: 0,
      check(tenant: string, ids: readonly string[]) {
        if (ids.some((id) => revoked.has(`${tenant} ${id}`))) throw unauthorized("revoked");
      },
    };
    const authenticate = authenticator([keys.publicKey], { revocations });
    const tokens = await Promise.all([1, 2].map(() => signToken({ ...alice, ttlSeconds: 60 }, keys)));
    const [first = "", second = ""] = tokens;
    const { id, session } = sessionOf(first, embeddedIds);
    expect(session).toBeUndefined();
    expect(sessionOf(second, embeddedIds).id).not.toBe(id);
    for (const token of tokens) expect(await authenticate(token)).toEqual(alice);
    revoked.add(`${alice.tenant} ${id}`);
    revocations.version++;
    expect(() => authenticate(first)).toThrow(expect.objectContaining(refused));
    expect(authenticate(second)).toEqual(alice);
    // Nor by a process that has not seen it before.
    await expect(authenticator([keys.publicKey], { revocations })(first)).rejects.toMatchObject(refused);
  });

  test("made for longer than its revocation is kept is refused", async () => {
    const nowMs = () => Date.now() + 2 * 86_400_000;
    const authenticate = authenticator([keys.publicKey], { daysMax: 3, nowMs });
    const token = (days: number) => signToken({ ...alice, ttlSeconds: days * 86_400 }, keys);
    expect(await authenticate(await token(3))).toEqual(alice);
    await expect(authenticate(await token(3.01))).rejects.toMatchObject(refused);
  });

  test("says who its bearer is", async () => {
    const authenticate = authenticator([keys.publicKey]);
    expect(await authenticate(await signToken({ ...alice, ttlSeconds: 60 }, keys))).toEqual(alice);
  });

  test("is good under each of several keys", async () => {
    const newer = await createSigningKeys();
    const authenticate = authenticator([keys.publicKey, newer.publicKey]);
    for (const pair of [keys, newer])
      expect(await authenticate(await signToken({ ...alice, ttlSeconds: 60 }, pair))).toEqual(alice);
  });

  test("that was verified is known at once, until it expires", async () => {
    let nowMs = Date.now();
    const authenticate = authenticator([keys.publicKey], { nowMs: () => nowMs });
    const token = await signToken({ ...alice, ttlSeconds: 60 }, keys);
    await authenticate(token);
    expect(authenticate(token)).toEqual(alice);
    nowMs += 61_000;
    expect(() => authenticate(token)).toThrow(expect.objectContaining(refused));
    await expect(authenticate(token)).rejects.toMatchObject(refused);
  });

  test("that was verified vouches for no other that ends like it", async () => {
    const authenticate = authenticator([keys.publicKey]);
    const token = await signToken({ ...alice, ttlSeconds: 60 }, keys);
    await authenticate(token);
    const [head, , signature] = token.split(".");
    const claims = { ...alice, role: "operator", iss: "payledger", aud: "payledger", exp: 9_999_999_999 };
    const forged = `${head}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.${signature}`;
    await expect(authenticate(forged)).rejects.toMatchObject(refused);
    expect(authenticate(token)).toEqual(alice);
  });

  test("is forgotten when newer ones fill the cache", async () => {
    const authenticate = authenticator([keys.publicKey], { cacheMax: 2 });
    const tokens = await Promise.all(["a", "b", "c"].map((sub) => signToken({ ...alice, sub, ttlSeconds: 60 }, keys)));
    for (const token of tokens) await authenticate(token);
    expect(tokens.map((token) => authenticate(token) instanceof Promise)).toEqual([true, false, false]);
  });

  test("cannot be made for a tenant or subject outside the grammar", async () => {
    await expect(signToken({ ...alice, sub: "' OR 1=1--", ttlSeconds: 60 }, keys)).rejects.toThrow(RangeError);
    await expect(signToken({ ...alice, tenant: "", ttlSeconds: 60 }, keys)).rejects.toThrow(RangeError);
    await expect(signToken({ ...alice, sub: "x".repeat(65), ttlSeconds: 60 }, keys)).rejects.toThrow(RangeError);
  });

  test("that is hostile is refused, each of them", async () => {
    const authenticate = authenticator([keys.publicKey]);
    for (const { name, token } of await hostileTokens(keys))
      await expect(
        Promise.resolve().then(() => authenticate(token)),
        name,
      ).rejects.toMatchObject(refused);
  });
});

describe("signing keys", () => {
  test("come back from their text", () => {
    expect(parseSigningKeys(formatSigningKeys(keys))).toEqual(keys);
  });

  test("give no private part to those who verify", () => {
    expect(keys.publicKey).not.toHaveProperty("d");
    expect(parseSigningKeys(formatSigningKeys(keys))?.publicKey).not.toHaveProperty("d");
  });

  test.each(["", "{", "[]", "null", '{"kty":"OKP","crv":"Ed25519","kid":"a","x":"b"}'])("are not in %j", (text) => {
    expect(parseSigningKeys(text)).toBeUndefined();
  });
});
