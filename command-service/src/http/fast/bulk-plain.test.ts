import fc from "fast-check";
import type { Role } from "ledger-core";
import { parseBody } from "ledger-core/http";
import { examples } from "ledger-core/testing";
import { describe, expect, test } from "vitest";
import { admit, ITEMS_MAX, itemCommands, readItem } from "../bulk-items.ts";
import { defaultRails } from "../rails.ts";
import { readPlainBulk } from "./bulk-plain.ts";

const { alice, bob, shop } = examples;
const payment = {
  idempotencyKey: "key-1",
  command: "payment",
  payer: alice,
  payee: shop,
  amount: "1250",
  currency: "HKD",
};

const commands = itemCommands(defaultRails);

/** Reads a body with the JSON parser, which must accept it whenever the fast lane does. */
function readGenerally(bytes: Buffer, role: Role) {
  const { mode, items } = parseBody(bytes);
  if (!Array.isArray(items)) throw new Error("the general way finds no items");
  expect(["each", "atomic"]).toContain(mode);
  return { mode, items: items.map((item) => readItem(commands, item, role)) };
}

/** Reads with both and compares; undefined if the fast lane falls back to the JSON parser. */
function readBothWays(text: string | Buffer, role: Role = "operator") {
  const bytes = Buffer.from(text);
  const read = readPlainBulk(bytes);
  if (read === undefined) return undefined;
  const { mode, items: found } = read;
  const items = found.map((item) => (item.kind === "json" ? readItem(commands, item.value, role) : admit(item, role)));
  expect({ mode, items }).toEqual(readGenerally(bytes, role));
  return { plain: found.filter((item) => item.kind === "command").length, of: found.length };
}

const body = (...items: unknown[]) => JSON.stringify({ mode: "each", items });

describe("a plain payment is read at once", () => {
  test.each<[string, unknown]>([
    ["with what it needs", payment],
    ["captured automatically", { ...payment, capture: "automatic" }],
    ["with a reference", { ...payment, reference: "order 1234, table 5" }],
    ["in another order", Object.fromEntries(Object.entries(payment).reverse())],
    ["of 15 digits", { ...payment, amount: "9".repeat(15) }],
    ["under the longest key", { ...payment, idempotencyKey: "~".repeat(255) }],
    ["under a key of many digits that is no card number", { ...payment, idempotencyKey: "2026112200012345-4111" }],
    ["under a UUID", { ...payment, idempotencyKey: "41111111-1111-4111-8111-111111111111" }],
    ["with a reference of many digits", { ...payment, reference: "invoice 2026112200012345" }],
    ["in another currency than the one before", { ...payment, currency: "JPY" }],
    ["to oneself", { ...payment, payee: alice }],
  ])("%s", (_name, item) => {
    expect(readBothWays(body(payment, item, payment))).toEqual({ plain: 3, of: 3 });
  });

  test("whatever white space and order the body has", () => {
    const spaced = JSON.stringify({ items: [payment, payment], mode: "atomic" }, null, "\t").replaceAll(":", " \r\n: ");
    expect(readBothWays(`\n ${spaced} \t`)).toEqual({ plain: 2, of: 2 });
  });

  test("unless the role may not pay", () => {
    expect(readBothWays(body(payment), "auditor")).toEqual({ plain: 1, of: 1 });
  });
});

describe("an item is read as JSON, and nothing else of its body, when it", () => {
  test.each<[string, unknown]>([
    ["is another command", { ...payment, command: "transfer" }],
    ["is to be captured later", { ...payment, capture: "manual" }],
    ["has metadata", { ...payment, metadata: { a: "{[" } }],
    ["expires", { ...payment, expiresAt: "2026-12-01T00:00:00Z" }],
    ["has an unknown field", { ...payment, x: { y: ['"'] } }],
    ["has nothing", {}],
    ["lacks its key", { ...payment, idempotencyKey: undefined }],
    ["has an empty key", { ...payment, idempotencyKey: "" }],
    ["has too long a key", { ...payment, idempotencyKey: "k".repeat(256) }],
    ["lacks its payee", { ...payment, payee: undefined }],
    ["has a number as amount", { ...payment, amount: 1250 }],
    ["has an amount of nothing", { ...payment, amount: "0" }],
    ["has an amount with a leading zero", { ...payment, amount: "01" }],
    ["has no amount", { ...payment, amount: "" }],
    ["has a signed amount", { ...payment, amount: "-1" }],
    ["has an amount that no number is exact for", { ...payment, amount: "9".repeat(18) }],
    ["has an account of another kind", { ...payment, payer: `bank_${alice.slice(5)}` }],
    ["has an id outside the grammar", { ...payment, payee: `${bob.slice(0, -1)}u` }],
    ["has an id of 130 bits", { ...payment, payee: `acct_8${bob.slice(6)}` }],
    ["has a longer id", { ...payment, payee: `${bob}0` }],
    ["has an unknown currency", { ...payment, currency: "HKX" }],
    ["has a currency in small letters", { ...payment, currency: "hkd" }],
    ["has a reference in other letters", { ...payment, reference: "Müller" }],
    ["has a reference with an escape", { ...payment, reference: 'a "quoted" one' }],
    ["has a reference with a control character", { ...payment, reference: "\u007f" }],
    ["has an empty reference", { ...payment, reference: "" }],
    ["has a key that ends in a space", { ...payment, idempotencyKey: "key-1 " }],
    ["has a key that begins with a space", { ...payment, idempotencyKey: " key-1" }],
    ["has a key of one space", { ...payment, idempotencyKey: " " }],
    ["has a card number as its key", { ...payment, idempotencyKey: "4111111111111111" }],
    ["has a card number in its key", { ...payment, idempotencyKey: "order 4111_1111  1111.1111" }],
    ["has too long a reference", { ...payment, reference: "r".repeat(141) }],
    ["may name a card", { ...payment, reference: "4111 1111 1111 1111" }],
    ["nests as deep as a body may", { a: JSON.parse(`${"[".repeat(13)}${"]".repeat(13)}`) }],
  ])("%s", (_name, item) => {
    expect(readBothWays(body(payment, item, payment))).toEqual({ plain: 2, of: 3 });
  });
});

describe("the fast lane falls back for the whole body when it", () => {
  const item = JSON.stringify(payment);
  const twice = item.replace("{", '{"payer":"x",');
  test.each([
    ["is empty", ""],
    ["is no object", "[]"],
    ["has no mode", `{"items":[${item}]}`],
    ["has another mode", `{"mode":"all","items":[${item}]}`],
    ["has a mode that begins like one", `{"mode":"eachx","items":[${item}]}`],
    ["has its mode twice", `{"mode":"each","mode":"each","items":[${item}]}`],
    ["has a mode that is none and another one", `{"mode":,"mode":"each","items":[${item}]}`],
    ["has no items", '{"mode":"each"}'],
    ["has an empty list of items", '{"mode":"each","items":[]}'],
    ["has its items twice", `{"mode":"each","items":[${item}],"items":[${item}]}`],
    ["has another field", `{"mode":"each","items":[${item}],"x":1}`],
    ["has an item that is no object", `{"mode":"each","items":[${item},5]}`],
    ["has an item that names a field twice", `{"mode":"each","items":[${twice}]}`],
    ["has an item that names a prototype", `{"mode":"each","items":[{"__proto__":{}}]}`],
    ["has an item that cannot be read", `{"mode":"each","items":[{"a":nul}]}`],
    ["has an item that nests too deep", `{"mode":"each","items":[{"a":${"[".repeat(14)}${"]".repeat(14)}}]}`],
    ["ends in a comma", `{"mode":"each","items":[${item}],}`],
    ["has a list that ends in a comma", `{"mode":"each","items":[${item},]}`],
    ["has items without a comma", `{"mode":"each","items":[${item} ${item}]}`],
    ["is cut in an item", `{"mode":"each","items":[${item.slice(0, -2)}`],
    ["is cut in a string", `{"mode":"each","items":[{"a":"\\`],
    ["is cut in its list", `{"mode":"each","items":[${item}`],
    ["is cut at its end", `{"mode":"each","items":[${item}]`],
    ["has trailing bytes", `${body(payment)} x`],
    ["has other white space", `\u00a0${body(payment)}`],
    ["has mostly other items", body(payment, ...Array.from({ length: 11 }, () => ({ ...payment, capture: "manual" })))],
    ["has too many items", body(...Array.from({ length: ITEMS_MAX + 1 }, () => payment))],
  ])("%s", (_name, text) => {
    expect(readPlainBulk(Buffer.from(text))).toBeUndefined();
  });

  test("holds invalid UTF-8", () => {
    const bytes = Buffer.from(body({ ...payment, reference: "ü" }));
    bytes[bytes.indexOf(0xc3)] = 0xff;
    expect(readPlainBulk(bytes)).toBeUndefined();
  });
});

describe("the fast lane and the JSON parser read the same", () => {
  const id = fc.constantFrom(alice, bob, shop);
  const text = fc.oneof(fc.stringMatching(/^[a-z0-9 ]{0,20}$/), fc.string({ unit: "grapheme", maxLength: 10 }));
  const plainItem = fc.record(
    {
      idempotencyKey: fc.oneof(fc.stringMatching(/^[ !#-[\]-~]{1,30}$/), fc.string({ maxLength: 5 })),
      command: fc.constant("payment"),
      payer: id,
      payee: id,
      amount: fc.stringMatching(/^[0-9]{1,16}$/),
      currency: fc.constantFrom("HKD", "JPY", "EUR"),
      capture: fc.constant("automatic"),
      reference: text,
    },
    { requiredKeys: ["idempotencyKey", "command", "payer", "payee", "amount", "currency"] },
  );
  const anyItem = fc.oneof(
    { weight: 4, arbitrary: plainItem },
    {
      weight: 1,
      arbitrary: fc
        .tuple(plainItem, fc.constantFrom(...Object.keys(payment), "metadata", "x"), fc.jsonValue())
        .map(([item, field, value]) => ({ ...item, [field]: value })),
    },
  );
  const shuffled = anyItem.chain((item) =>
    fc
      .shuffledSubarray(Object.entries(item), { minLength: Object.keys(item).length })
      .map((entries) => Object.fromEntries(entries)),
  );
  const bodies = fc
    .tuple(fc.constantFrom("each", "atomic"), fc.array(shuffled, { minLength: 1, maxLength: 4 }), fc.constantFrom(0, 1))
    .map(([mode, items, indent]) => JSON.stringify({ mode, items }, null, indent));

  test("of bodies as clients make them", () => {
    let plain = 0;
    fc.assert(
      fc.property(bodies, (text) => {
        plain += readBothWays(text)?.plain ?? 0;
      }),
      { numRuns: 2000 },
    );
    expect(plain).toBeGreaterThan(1000);
  });

  test("of bodies with a few bytes changed", () => {
    const bytes = fc.oneof(
      fc.constantFrom(...Buffer.from(' \n",:{}[]\\0189eh_u\u007f')),
      fc.integer({ min: 0, max: 255 }),
    );
    const changes = fc.array(fc.tuple(fc.nat(), bytes, fc.constantFrom("set", "insert", "remove")), {
      minLength: 1,
      maxLength: 3,
    });
    let read = 0;
    fc.assert(
      fc.property(bodies, changes, (text, edits) => {
        const changed = [...Buffer.from(text)];
        for (const [place, byte, how] of edits) {
          const at = place % changed.length;
          changed.splice(at, how === "insert" ? 0 : 1, ...(how === "remove" ? [] : [byte]));
        }
        if (readBothWays(Buffer.from(changed))) read++;
      }),
      { numRuns: 5000 },
    );
    expect(read).toBeGreaterThan(500);
  });
});
