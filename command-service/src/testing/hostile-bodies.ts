import type { HostileWorld } from "./hostile-world.ts";

/** A body that some route must refuse, and how. `pointer` is that of the first reported fault, if it has one. */
export type HostileBody = {
  readonly name: string;
  readonly status: number;
  readonly code: string;
  readonly body: string | Uint8Array;
  readonly pointer?: string;
};

/** Bodies that no route accepts: bytes that are not one strict JSON object. */
export const unreadableBodies: readonly HostileBody[] = [
  unreadable("trailing bytes", "malformed_json", '{"amount":"1"} x'),
  unreadable("two objects", "malformed_json", "{}{}"),
  unreadable("NaN", "malformed_json", '{"amount":NaN}'),
  unreadable("0x10", "malformed_json", '{"amount":0x10}'),
  unreadable("byte order mark", "malformed_json", "\ufeff{}"),
  unreadable("duplicate key", "duplicate_key", '{"amount":"1","amount":"1000"}'),
  unreadable("duplicate key, once escaped", "duplicate_key", '{"amount":"1","\\u0061mount":"1000"}'),
  unreadable("invalid UTF-8", "invalid_utf8", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])),
  unreadable("UTF-16", "invalid_utf8", Buffer.from("\ufeff{}", "utf16le")),
  unreadable("lone surrogate", "lone_surrogate", '{"reference":"\\ud800"}'),
  unreadable("nesting over 16", "too_deep", `{"a":${"[".repeat(16)}${"]".repeat(16)}}`),
  unreadable("__proto__", "forbidden_key", '{"__proto__":{"admin":true}}'),
  unreadable("__proto__, escaped", "forbidden_key", '{"\\u005f\\u005fproto__":{"admin":true}}'),
  unreadable("constructor.prototype", "forbidden_key", '{"constructor":{"prototype":{"admin":true}}}'),
  unreadable("top-level array", "not_an_object", "[]"),
  unreadable("top-level string", "not_an_object", '"{}"'),
  unreadable("top-level null", "not_an_object", "null"),
];

function unreadable(name: string, code: string, body: string | Uint8Array): HostileBody {
  return { name, status: 400, code, body };
}

/** Amounts as JSON text, all of them nearly valid. */
const hostileAmounts = [
  '"0"',
  '"-5"',
  '"+5"',
  "5",
  "5.0",
  '"1.50"',
  "1e400",
  "1e2",
  '"1e2"',
  '"NaN"',
  '"9223372036854775808"',
  '"1000000000000000000"',
  '"007"',
  '"\uff15"',
  '"\u0665"',
  '" 5"',
  '"5 "',
  '"5\\n"',
  '"0x5"',
  '""',
  "null",
  "true",
  '["7"]',
  "{}",
];

/** Well-formed but invalid bodies of POST /v1/payments. */
export function hostilePayments(world: HostileWorld): readonly HostileBody[] {
  const fields = { payer: world.payer, payee: world.payee, amount: "5", currency: "HKD" };
  const invalid = (name: string, pointer: string, change: object): HostileBody => ({
    name,
    status: 422,
    code: "invalid_request",
    pointer,
    body: JSON.stringify({ ...fields, ...change }),
  });
  const absent = (field: "payer" | "payee", id: string): HostileBody => ({
    ...invalid(`${field} ${id}`, `/${field}`, { [field]: id }),
    status: 404,
    code: "account_not_found",
  });
  return [
    ...hostileAmounts.map((amount) => ({
      name: `amount ${amount}`,
      status: 422,
      code: "amount_invalid",
      pointer: "/amount",
      body: JSON.stringify(fields).replace('"amount":"5"', `"amount":${amount}`),
    })),
    ...["eur", "XXX", "HK", "HKD ", "", "\uff28KD"].map((currency) =>
      invalid(`currency ${currency}`, "/currency", { currency }),
    ),
    invalid("currency null", "/currency", { currency: null }),
    invalid("a missing field", "/payee", { payee: undefined }),
    invalid("an unknown field", "/fee", { fee: "0" }),
    invalid("a field in other letters", "/Amount", { Amount: "5" }),
    invalid("a payer that is a list", "/payer", { payer: [world.payer] }),
    invalid("an unknown capture", "/capture", { capture: "later" }),
    invalid("capture null", "/capture", { capture: null }),
    invalid("a time in the past", "/expiresAt", { expiresAt: "2001-01-01T00:00:00Z", capture: "manual" }),
    invalid("a time that is none", "/expiresAt", { expiresAt: "2027-02-30T00:00:00Z" }),
    invalid("a time with an offset", "/expiresAt", { expiresAt: "2027-02-01T00:00:00+08:00" }),
    invalid("a long reference", "/reference", { reference: "r".repeat(141) }),
    invalid("a null character", "/reference", { reference: "a\u0000b" }),
    invalid("a line break", "/reference", { reference: "a\r\nSet-Cookie: b" }),
    invalid("a card number", "/reference", { reference: "card 4111 1111 1111 1111" }),
    invalid("a card number in metadata", "/metadata/note", { metadata: { note: "5555-5555-5555-4444" } }),
    invalid("a card number as a key", "/metadata", { metadata: { "378282246310005": "x" } }),
    invalid("a card number with no-break spaces", "/reference", { reference: "4111\u00a01111\u00a01111\u00a01111" }),
    invalid("a card number in full-width digits", "/reference", { reference: "\uff14".concat("\uff11".repeat(15)) }),
    invalid("an empty reference", "/reference", { reference: "" }),
    invalid("an empty key in metadata", "/metadata/", { metadata: { "": "x" } }),
    invalid("a value in metadata of 501 characters", "/metadata/a", { metadata: { a: "x".repeat(501) } }),
    invalid("metadata that is a list", "/metadata", { metadata: ["a"] }),
    invalid("metadata that nests", "/metadata/a", { metadata: { a: { b: "c" } } }),
    invalid("a number in metadata", "/metadata/a", { metadata: { a: 1 } }),
    invalid("too much metadata", "/metadata", {
      metadata: Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`k${n}`, "v"])),
    }),
    ...["", "x", "' OR 1=1--", "g.V().drop()", "\u0024{jndi:ldap://x}", world.payer.toUpperCase(), world.captured].map(
      (id) => absent("payer", id),
    ),
    absent("payee", `${world.payee}0`),
  ];
}
