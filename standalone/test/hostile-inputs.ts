/** Bodies that cannot be parsed: each gets 400 on every command route. */
export function unreadableBodies(good: object): readonly (readonly [string, Uint8Array | string])[] {
  const text = JSON.stringify(good);
  const inside = (member: string) => `{${member},${text.slice(1)}`;
  const bytes = (...parts: (string | number[])[]) =>
    Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.from(part))));
  return [
    ["empty body", ""],
    ["blank body", "  \n"],
    ["trailing bytes", `${text}x`],
    ["two values", `${text}${text}`],
    ["NaN", inside('"reference":NaN')],
    ["hexadecimal number", inside('"reference":0x10')],
    ["leading plus", inside('"reference":+1')],
    ["single quotes", text.replaceAll('"', "'")],
    ["a comment", `/* */${text}`],
    ["a trailing comma", `${text.slice(0, -1)},}`],
    ["a duplicate key", inside('"currency":"HKD"')],
    ["a duplicate key, escaped", inside('"curr\\u0065ncy":"HKD"')],
    ["a nested duplicate key", inside('"metadata":{"a":"1","a":"2"}')],
    ["invalid UTF-8", bytes('{"reference":"', [0xc3, 0x28], `",${text.slice(1)}`)],
    ["overlong UTF-8", bytes('{"reference":"', [0xc0, 0xaf], `",${text.slice(1)}`)],
    ["a surrogate in UTF-8", bytes('{"reference":"', [0xed, 0xa0, 0x80], `",${text.slice(1)}`)],
    ["a lone surrogate", inside('"reference":"\\ud800"')],
    ["a lone low surrogate", inside('"reference":"\\udc00x"')],
    ["a byte order mark", bytes([0xef, 0xbb, 0xbf], text)],
    ["nesting over 16", inside(`"metadata":${"[".repeat(17)}${"]".repeat(17)}`)],
    ["nesting without end", "[".repeat(60_000)],
    ["__proto__", inside('"__proto__":{"amount":"1"}')],
    ["__proto__, escaped", inside('"\\u005f_proto__":{"amount":"1"}')],
    ["constructor.prototype", inside('"constructor":{"prototype":{"amount":"1"}}')],
    ["a top-level array", `[${text}]`],
    ["a top-level string", '"pay"'],
    ["null", "null"],
    ["an unterminated string", '{"amount":"1'],
    ["a raw control character", inside('"reference":"a\u0001b"')],
  ];
}

/** Well-formed members that are invalid: each gets 422 in a payment. */
export const unfitMembers: readonly (readonly [string, object, string])[] = [
  ["an unknown field", { color: "red" }, "/color"],
  ["a number as account", { payer: 7 }, "/payer"],
  ["null as account", { payee: null }, "/payee"],
  ["a long reference", { reference: "x".repeat(141) }, "/reference"],
  [
    "21 pairs of metadata",
    { metadata: Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`k${n}`, "v"])) },
    "/metadata",
  ],
  ["a number in metadata", { metadata: { a: 1 } }, "/metadata/a"],
  ["an unknown way of capture", { capture: "later" }, "/capture"],
  ["a date as expiry", { capture: "manual", expiresAt: "2030-01-01" }, "/expiresAt"],
  ["a card number", { reference: "paid with 4111 1111 1111 1111" }, "/reference"],
  ["a card number with dashes", { reference: "4012-8888-8888-1881" }, "/reference"],
  ["a card number in metadata", { metadata: { note: "5555555555554444" } }, "/metadata/note"],
  ["a card number with no-break spaces", { reference: "4111\u00a01111\u00a01111\u00a01111" }, "/reference"],
  ["a card number with underscores", { reference: "4111_1111_1111_1111" }, "/reference"],
  ["a card number with en dashes", { reference: "4111\u20131111\u20131111\u20131111" }, "/reference"],
  ["a card number in full-width digits", { reference: "\uff14".concat("\uff11".repeat(15)) }, "/reference"],
  ["an empty reference", { reference: "" }, "/reference"],
  ["a card number of 15 digits", { reference: "378282246310005" }, "/reference"],
];

/** Texts that only look like card numbers: an unknown issuer, or a wrong check digit. */
export const harmlessNumbers: readonly string[] = [
  "4111111111111112",
  "order 9999999999999995",
  "20261122083000000",
  "0000 0000 0000 0000",
];

/** Ids that the grammar rejects. */
export const hostileIds: readonly (readonly [string, number])[] = [
  ["' OR 1=1--", 404],
  ["g.V().drop()", 404],
  ["\u0024{jndi:ldap://x}", 404],
  ["acct_", 404],
  ["1", 404],
  ["ACCT_00000000000000000000000000", 404],
  ["acct_0000000000000000000000000u", 404],
];
