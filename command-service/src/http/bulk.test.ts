import { LedgerError } from "ledger-core";
import { compileCheck } from "ledger-core/http";
import { signToken } from "ledger-core/http/tokens";
import { examples } from "ledger-core/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type FakeWriter, fakeWriter } from "../testing/fake-writer.ts";
import { serveCommands } from "../testing/served.ts";

const { alice, bob, shop } = examples;
const payment = { command: "payment", payer: alice, payee: shop, amount: "1", currency: "HKD" };
const transfer = { command: "transfer", legs: [{ from: alice, to: bob, amount: "2" }], currency: "HKD" };
const topUp = { command: "top-up", account: alice, amount: "3", currency: "HKD", rail: "fps" };
const payout = { command: "payout", account: shop, amount: "4", currency: "HKD", rail: "fps" };

let writer: FakeWriter;
let served: Awaited<ReturnType<typeof serveCommands>>;
beforeAll(async () => {
  writer = fakeWriter();
  served = await serveCommands({ writer });
});
beforeEach(() => {
  writer.bulks.length = 0;
});
afterAll(() => served.app.close());

function post(
  items: readonly unknown[],
  more: { mode?: unknown; caller?: typeof examples.operator; key?: string } = {},
) {
  const { mode = "each", ...rest } = more;
  return served.post({ url: "/v1/bulk", body: { mode, items }, ...rest });
}

const keyed = (items: readonly object[]) => items.map((item, index) => ({ idempotencyKey: `k${index}`, ...item }));

test("items become the commands that their own routes would make", async () => {
  await post(keyed([payment, transfer, topUp, payout]), { key: "bulk" });
  const commands = [examples.pay(1n), examples.transfer([[alice, bob, 2n]]), examples.topUp(3n), examples.payOut(4n)];
  expect(writer.bulks).toEqual([
    {
      caller: examples.operator,
      key: "bulk",
      mode: "each",
      items: commands.map((command, n) => ({ kind: "command", key: `k${n}`, command })),
      print: expect.stringMatching(/^[0-9a-f]{32}$/),
      oldPrint: expect.any(Function),
    },
  ]);
});

test("the answer has a result for each item and the position of the bulk", async () => {
  const { status, headers, json } = await post(keyed([payment, { ...payment, amount: "999999999" }, payment]));
  const head = writer.events.length - 1;
  expect(status).toBe(200);
  expect(headers["ledger-position"]).toBe(`0:${head}`);
  expect(json.results).toEqual([
    { status: 201, id: expect.stringMatching(/^pay_/), position: `0:${head - 2}` },
    { status: 422, position: `0:${head - 1}`, problem: expect.objectContaining({ code: "insufficient_funds" }) },
    { status: 201, id: expect.stringMatching(/^pay_/), position: `0:${head}` },
  ]);
});

describe("a faulty item is its own problem:", () => {
  test.each<[string, unknown, number, string, string | undefined]>([
    ["no object", 5, 422, "invalid_request", "/command"],
    ["null", null, 422, "invalid_request", "/command"],
    ["an array", [], 422, "invalid_request", "/command"],
    ["no command", { idempotencyKey: "k" }, 422, "invalid_request", "/command"],
    ["an unknown command", { idempotencyKey: "k", command: "void" }, 422, "invalid_request", "/command"],
    ["a command of every object", { idempotencyKey: "k", command: "toString" }, 422, "invalid_request", "/command"],
    ["a list of commands", { idempotencyKey: "k", command: ["payment"] }, 422, "invalid_request", "/command"],
    ["no key", payment, 422, "invalid_request", "/idempotencyKey"],
    ["an empty key", { idempotencyKey: "", ...payment }, 422, "invalid_request", "/idempotencyKey"],
    ["a key with a line break", { idempotencyKey: "a\nb", ...payment }, 422, "invalid_request", "/idempotencyKey"],
    ["a long key", { idempotencyKey: "k".repeat(256), ...payment }, 422, "invalid_request", "/idempotencyKey"],
    ["an unknown field", { idempotencyKey: "k", ...payment, x: 1 }, 422, "invalid_request", "/x"],
    ["another command's field", { idempotencyKey: "k", ...payment, rail: "fps" }, 422, "invalid_request", "/rail"],
    ["a bad amount", { idempotencyKey: "k", ...payment, amount: "1.5" }, 422, "amount_invalid", "/amount"],
    ["a bad leg", { idempotencyKey: "k", ...transfer, legs: [] }, 422, "invalid_request", "/legs"],
    ["an id outside the grammar", { idempotencyKey: "k", ...payment, payer: "x" }, 404, "account_not_found", "/payer"],
  ])("%s", async (_name, item, status, code, pointer) => {
    const { status: whole, json } = await post([...keyed([payment]), item]);
    expect(whole).toBe(200);
    expect(json.results).toMatchObject([{ status: 201 }, { status, problem: { status, code } }]);
    expect(json.results[1].problem.errors[0].pointer).toBe(pointer);
    expect(writer.bulks[0]?.items[1]).toMatchObject({ kind: "fault", fault: { code } });
  });

  test("a command that the role may not send", async () => {
    const { json } = await post(keyed([payment, transfer]), { caller: examples.consumer("alice") });
    expect(json.results).toMatchObject([{ status: 201 }, { status: 403, problem: { code: "forbidden" } }]);
  });
});

describe("the bulk itself is refused when it", () => {
  test.each([
    ["has no items", { mode: "each", items: [] }, "/items"],
    ["has too many items", { mode: "each", items: Array.from({ length: 10_001 }, () => 0) }, "/items"],
    ["has an unknown mode", { mode: "all", items: [0] }, "/mode"],
    ["has no mode", { items: [0] }, "/mode"],
    ["has an unknown field", { mode: "each", items: [0], x: 1 }, "/x"],
    ["has items that are no list", { mode: "each", items: { 0: payment } }, "/items"],
  ])("%s", async (_name, body, pointer) => {
    const { status, json } = await served.post({ url: "/v1/bulk", body });
    expect(status).toBe(422);
    expect(json).toMatchObject({ code: "invalid_request", errors: [{ pointer }] });
    expect(writer.bulks).toEqual([]);
  });

  test("is larger than 4 MiB", async () => {
    const filler = "x".repeat(4 * 1024 * 1024);
    expect(await served.post({ url: "/v1/bulk", body: { mode: "each", items: [filler] } })).toMatchObject({
      status: 413,
      json: { code: "body_too_large" },
    });
  });
});

describe("at most 8 errors of an item are listed:", () => {
  const legs = (count: number) => Array.from({ length: count }, () => ({ from: alice, to: bob }));
  const errorsOf = async (item: object) => {
    const { json } = await post([...keyed([payment]), { idempotencyKey: "many", ...item }]);
    return json.results[1].problem.errors;
  };

  test("the others are counted", async () => {
    const errors = await errorsOf({ ...transfer, legs: legs(60) });
    expect(errors).toHaveLength(9);
    expect(errors[7]).toEqual({ pointer: "/legs/7/amount", detail: "is required" });
    expect(errors[8]).toEqual({ pointer: "", detail: "52 more faults are not listed" });
    expect(writer.bulks[0]?.items[1]).toMatchObject({ fault: { more: 52, errors: { length: 8 } } });
    expect(await errorsOf({ ...transfer, legs: legs(8) })).toHaveLength(8);
  });

  test("a field with more values than any valid one is reported as a whole", async () => {
    const tooMany = [{ pointer: "/legs", detail: "holds more than 1000 values" }];
    expect(await errorsOf({ ...transfer, legs: legs(500) })).toEqual(tooMany);
    const fields = Object.fromEntries(Array.from({ length: 2000 }, (_, n) => [`f${n}`, 1]));
    expect(await errorsOf({ ...payment, ...fields })).toEqual([{ ...tooMany[0], pointer: "" }]);
    expect(await errorsOf({ ...payment, x: legs(500) })).toEqual([{ ...tooMany[0], pointer: "" }]);
  });

  test("items are read in slices, and their order stays", async () => {
    const items = Array.from({ length: 600 }, (_, n) => ({
      ...transfer,
      idempotencyKey: `k${n}`,
      legs: legs(n % 100),
    }));
    const { json } = await post(items);
    const counts = json.results.map(({ problem }: { problem: { errors: unknown[] } }) => problem.errors.length);
    expect(counts).toEqual(items.map((_, n) => Math.min(9, Math.max(1, n % 100))));
  });
});

test.each([
  [true, /The first items of this bulk may be applied: repeat it under the same keys/],
  [false, /^The event log cannot be written now\.$/],
])("a failure says whether a part may be applied: %s", async (partlyApplied, detail) => {
  writer.failBulks = new LedgerError("log_unavailable", "disk full at a path", { retryable: true, partlyApplied });
  const { status, headers, json } = await post(keyed([payment]));
  writer.failBulks = undefined;
  expect({ status, code: json.code, after: headers["retry-after"] }).toEqual({
    status: 503,
    code: "log_unavailable",
    after: "1",
  });
  expect(json.detail).toMatch(detail);
});

test("a bulk may be larger than other bodies", async () => {
  const { json } = await post(keyed(Array.from({ length: 1000 }, () => ({ ...topUp, externalId: "x".repeat(100) }))));
  expect(json.results).toHaveLength(1000);
});

describe("the print of a bulk", () => {
  const printsOf = async (
    sent: readonly { items: readonly unknown[]; mode?: string; caller?: typeof examples.operator }[],
  ) => {
    for (const { items, ...more } of sent) await post(items, more);
    return writer.bulks.map(({ print }) => print);
  };

  test("differs for bulks with any difference", async () => {
    const items = keyed([payment, transfer]);
    const prints = await printsOf([
      { items },
      { items, mode: "atomic" },
      { items: keyed([{ ...payment, amount: "2" }, transfer]) },
      { items: keyed([{ ...payment, reference: "" }, transfer]) },
      { items: keyed([{ ...payment, metadata: { a: "b" } }, transfer]) },
      { items: items.toReversed() },
      { items: items.slice(1) },
      { items: [{ ...items[0], idempotencyKey: "other" }, items[1]] },
      { items: [{ ...items[0], amount: "0" }, items[1]] },
      { items: [{ ...items[0], amount: "00" }, items[1]] },
      { items: [5, items[1]] },
      { items: ["5", items[1]] },
    ]);
    expect(new Set(prints).size).toBe(prints.length);
  });

  test("is the same for the same bulk, whatever the order of its fields, its defaults and the role", async () => {
    const metadata = { a: "1", b: "2" };
    const written = { metadata: { b: "2", a: "1" }, capture: "automatic" };
    const faulty = { ...payment, amount: "x", metadata };
    const [first, ...others] = await printsOf([
      { items: keyed([payment, { ...payment, metadata }, faulty, transfer]) },
      { items: keyed([payment, { ...written, ...payment }, { ...faulty, metadata: written.metadata }, transfer]) },
      {
        items: keyed([{ ...payment, capture: "automatic" }, { ...payment, metadata }, faulty, transfer]),
        caller: examples.consumer("alice"),
      },
    ]);
    expect(others).toEqual([first, first]);
  });

  test("is the same with other white space and escapes, on both ways of reading", async () => {
    const token = await signToken({ ...examples.operator, ttlSeconds: 600 }, served.keys);
    const headers = { authorization: `Bearer ${token}`, "idempotency-key": "k", "content-type": "application/json" };
    const body = { mode: "each", items: keyed([payment, payment]) };
    const compact = JSON.stringify(body);
    const payloads = [compact, JSON.stringify(body, null, 2), compact.replaceAll("HKD", "\\u0048KD")];
    for (const payload of payloads) await served.app.inject({ method: "POST", url: "/v1/bulk", headers, payload });
    const [first, ...others] = writer.bulks.map((bulk) => ({ ...bulk, oldPrint: bulk.oldPrint?.() }));
    expect(first?.items).toHaveLength(2);
    expect(first?.oldPrint).toMatch(/^[0-9a-f]{16}$/);
    expect(others).toEqual([first, first]);
  });
});

test("the reference shows each kind of item, as the items are checked", async () => {
  const { paths } = (await served.app.inject("/openapi.json")).json();
  const { items } = paths["/v1/bulk"].post.requestBody.content["application/json"].schema.properties;
  const shown = compileCheck({ oneOf: items.items.oneOf });
  for (const item of keyed([payment, transfer, topUp, payout])) expect(shown(item)).toBeUndefined();
  expect(shown({ ...payment, idempotencyKey: "k", x: 1 })).toBeDefined();
});
