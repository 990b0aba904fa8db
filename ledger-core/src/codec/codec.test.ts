import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isLedgerError } from "../domain/errors.ts";
import { type EventId, idBody, makeId } from "../domain/ids.ts";
import type { BusinessDate } from "../domain/time.ts";
import type { StoredEvent } from "../ports/event-log.ts";
import { anyFact, anyOrigin } from "../testing/facts.ts";
import { decodeEvent, encodeEvent } from "./codec.ts";
import { currentVersions, type Upcasters } from "./versions.ts";

type Fixture = {
  id: EventId;
  type: string;
  version: number;
  at: number;
  shard: number;
  revision: number;
  data: object;
};

function fixture(type: string, version: number): Fixture {
  return JSON.parse(readFileSync(new URL(`fixtures/${type}.v${version}.json`, import.meta.url), "utf8"));
}

/** The bytes are those of the compact JSON of `data`, its keys in the order of the file. */
function stored({ data, ...rest }: Fixture): StoredEvent {
  return { ...rest, data: Buffer.from(JSON.stringify(data)), leaf: new Uint8Array(32) };
}

function textOf(data: Uint8Array): string {
  return Buffer.from(data).toString("utf8");
}

const everyVersion = Object.entries(currentVersions).flatMap(([type, current]) =>
  Array.from({ length: current }, (_, index) => ({ type, version: index + 1, current })),
);

describe("stored fixtures", () => {
  it.each(everyVersion)("$type version $version decodes for ever", ({ type, version, current }) => {
    const event = stored(fixture(type, version));
    const decoded = decodeEvent(event);
    expect(decoded).toMatchObject({ id: event.id, at: event.at, shard: 0, revision: event.revision, fact: { type } });
    const again = encodeEvent(decoded);
    expect({ type: again.type, version: again.version }).toEqual({ type, version: current });
    if (version === current) expect(textOf(again.data)).toBe(textOf(event.data));
  });

  it("an old charge keeps its meaning", () => {
    const decoded = decodeEvent(stored(fixture("PaymentCharged", 1)));
    const payer = "acct_01m8160s0j000000000100002d";
    const payee = "acct_01m8160t75000000000200002d";
    expect(decoded).toEqual({
      id: "evt_01m8160wma000000000500002d",
      at: 1_795_336_204_938_268,
      shard: 0,
      revision: 5,
      origin: { tenant: "tenant-a", sub: "alice", key: "key-5", print: "0123456789abcdef" },
      fact: {
        type: "PaymentCharged",
        payment: {
          id: "pay_01m8160wma000000000500002d",
          tenant: "tenant-a",
          payer,
          payee,
          payeeType: "merchant",
          amount: 1250n,
          currency: "HKD",
          status: "captured",
          captured: 1250n,
          refunded: 0n,
          held: 0n,
          fee: 0n,
          capture: "automatic",
          reference: "order “17”",
          metadata: { table: "4" },
          createdAt: 1_795_336_204_938_268,
          expiresAt: null,
          spentOn: null,
        },
        postings: [
          { account: payer, amount: -1250n, balance: 998_750n, date: "2026-11-22" },
          { account: payee, amount: 1250n, balance: 1250n, date: "2026-11-22" },
        ],
      },
    });
  });
});

describe("an old record of a bulk keeps its meaning", () => {
  const amountMissing = { pointer: "/items/40/amount", detail: "is required" };
  const misfit = { code: "invalid_request", detail: "The body does not fit this route." };
  const required = { pointer: "/amount", detail: "is required" };
  const account = "acct_01m8160s0j000000000100002d";
  it.each([
    [
      1,
      [{ code: "invalid_request", detail: "amount is missing", errors: [amountMissing] }],
      [
        { first: 12, count: 40 },
        { fault: 0, count: 1 },
        { first: 52, count: 9 },
      ],
    ],
    [
      2,
      [
        { ...misfit, errors: [required] },
        { ...misfit, errors: [required], more: 292 },
        {
          code: "account_not_found",
          detail: `There is no account ${account} that you may use; check the id.`,
          errors: [],
        },
      ],
      [
        { first: 12, count: 40 },
        { fault: 0, count: 1 },
        { fault: 1, count: 3 },
        { first: 52, count: 9 },
        { fault: 2, count: 1 },
        { fault: 0, count: 1 },
      ],
    ],
  ])("version %i", (version, faults, outcomes) => {
    const { fact } = decodeEvent(stored(fixture("BulkRecorded", version)));
    expect(fact).toEqual({ type: "BulkRecorded", mode: "each", faults, outcomes });
  });

  it("version 1 with the faults of many items, of which some are equal", () => {
    const fault = (n: number) => ({ code: "invalid_request", detail: `fault ${n}`, errors: [amountMissing], count: 1 });
    const outcomes = [fault(1), fault(2), { ...fault(1), count: 2 }];
    const old = fixture("BulkRecorded", 1);
    const { fact } = decodeEvent(stored({ ...old, data: { ...old.data, outcomes } }));
    expect(fact).toMatchObject({
      faults: [{ detail: "fault 1" }, { detail: "fault 2" }],
      outcomes: [
        { fault: 0, count: 1 },
        { fault: 1, count: 1 },
        { fault: 0, count: 2 },
      ],
    });
  });
});

it("every event comes back as it went in", () => {
  const at = 1_795_336_200_000_000;
  const id = makeId("evt", idBody(at, { shard: 3, revision: 9 }, 5));
  const property = fc.property(anyOrigin, anyFact, (someOrigin, fact) => {
    // A charge belongs to the tenant of its origin; any other payment has its own.
    const origin = fact.type === "PaymentCharged" ? { ...someOrigin, tenant: fact.payment.tenant } : someOrigin;
    const bytes = encodeEvent({ origin, fact });
    const decoded = decodeEvent({ ...bytes, id, at, shard: 3, revision: 9, leaf: new Uint8Array(32) });
    expect(decoded).toEqual({ id, at, shard: 3, revision: 9, origin, fact });
    expect(textOf(encodeEvent(decoded).data)).toBe(textOf(bytes.data));
  });
  fc.assert(property, { numRuns: 2000 });
});

describe("older versions", () => {
  const { payer, payee, ...rest } = Object(fixture("PaymentCharged", 1).data);
  const old = { ...fixture("PaymentCharged", 1), version: 0, data: { ...rest, from: payer, to: payee } };
  const table: Upcasters = {
    PaymentCharged: { 0: ({ from = null, to = null, ...same }) => ({ ...same, payer: from, payee: to }) },
  };

  it("are raised to the current one by the table", () => {
    expect(decodeEvent(stored(old), table)).toEqual(decodeEvent(stored(fixture("PaymentCharged", 1))));
  });

  it("without a way up are poison", () => {
    expect(fault(stored(old))).toMatchObject({ code: "poison_event", position: { shard: 0, revision: 5 } });
  });

  it("that are invalid after upcasting are poison, too", () => {
    const { from: _from, ...broken } = old.data;
    expect(fault(stored({ ...old, data: broken }), table)).toMatchObject({ code: "poison_event" });
  });
});

function fault(event: StoredEvent, table?: Upcasters): unknown {
  try {
    decodeEvent(event, table);
  } catch (error) {
    if (isLedgerError(error)) return error;
    throw error;
  }
  return "decoded";
}

describe("unreadable bytes", () => {
  const good = stored(fixture("PaymentCharged", 1));
  const withText = (change: (text: string) => string): StoredEvent => ({
    ...good,
    data: Buffer.from(change(textOf(good.data))),
  });

  it("a newer version is incompatible, and the message says which event and which version", () => {
    const error = fault({ ...good, version: 2 });
    expect(error).toMatchObject({ code: "incompatible", retryable: false, position: { shard: 0, revision: 5 } });
    expect(String(error)).toContain("at 0:5 (PaymentCharged version 2) was written by a newer ledger");
  });

  it.each(["PaymentTeleported", "toString", "__proto__", ""])("a type that no one knows is poison: '%s'", (type) => {
    expect(fault({ ...good, type })).toMatchObject({ code: "poison_event", position: { shard: 0, revision: 5 } });
  });

  it.each<[string, StoredEvent]>([
    ["no bytes", { ...good, data: new Uint8Array(0) }],
    ["bytes that are not UTF-8", { ...good, data: Uint8Array.of(0x22, 0xff, 0x22) }],
    ["a cut tail", withText((text) => text.slice(0, -1))],
    ["a list", withText(() => "[]")],
    ["null", withText(() => "null")],
    ["a number for an amount", withText((text) => text.replace('"1250"', "1250"))],
    ["an amount with a leading zero", withText((text) => text.replace('"1250"', '"01250"'))],
    ["no payer", withText((text) => text.replace('"payer"', '"player"'))],
    ["an id of another kind", withText((text) => text.replace('"pay_', '"rfd_'))],
    ["an unknown account type", withText((text) => text.replace('"merchant"', '"casino"'))],
    ["a fraction for a time", withText((text) => text.replace("1795336204938268", "17.5"))],
    ["no balances", withText((text) => text.replace('"balances"', '"balance"'))],
    ["one balance", withText((text) => text.replace('"998750",', ""))],
    ["metadata that is not text", withText((text) => text.replace('{"table":"4"}', '{"table":4}'))],
    ["an origin that is null", withText((text) => text.replace(/"origin":\{[^}]*\}/, '"origin":null'))],
  ])("%s is poison", (_name, event) => {
    expect(fault(event)).toMatchObject({ code: "poison_event", position: { shard: 0, revision: 5 } });
  });

  it.each(Object.keys(currentVersions))("an empty %s is poison", (type) => {
    expect(fault({ ...good, type, data: Buffer.from("{}") })).toMatchObject({ code: "poison_event" });
  });
});

it("a charge that is not a plain one is a bug, not an event", () => {
  const { origin, fact } = decodeEvent(stored(fixture("PaymentCharged", 1)));
  if (fact.type !== "PaymentCharged") throw new Error("the fixture is not a charge");
  const { payment, postings } = fact;
  for (const wrong of [
    { ...fact, postings: postings.slice(1) },
    { ...fact, postings: postings.toReversed() },
    { ...fact, payment: { ...payment, held: 1n } },
    { ...fact, payment: { ...payment, refunded: 1n } },
    { ...fact, payment: { ...payment, expiresAt: 1 } },
    { ...fact, payment: { ...payment, spentOn: "2026-11-22" as BusinessDate } },
    { ...fact, payment: { ...payment, tenant: "tenant-b" } },
  ]) {
    expect(() => encodeEvent({ origin, fact: wrong })).toThrow("not a plain one");
  }
});
