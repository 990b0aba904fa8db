import { randomInt } from "node:crypto";
import fc from "fast-check";
import { decodeEvent, encodeEvent, idBody, makeId } from "ledger-core";
import type { StoredEvent } from "ledger-core/event-log";
import { factsByType, randomHistory } from "ledger-core/testing";
import { expect, test } from "vitest";
import type { TableBatch } from "../../delta/batch.ts";
import { cellFunction, type Row } from "../../delta/columns.ts";
import { names } from "../../testing/folder.ts";
import { type ExportTable, exportTables } from "../tables.ts";
import { type Charge, chargeOnce } from "./charge.ts";

const seed = Number(process.env.LEDGER_SEED ?? randomInt(2 ** 31));

/** The rows that the fast lane adds. */
function laneRows({ charges: lane, columns }: ExportTable, charges: readonly Charge[]): Row[] {
  const rows: Row[] = [];
  const batch: TableBatch = {
    add: (more) => rows.push(...more),
    addFrom: (sources, cells) => {
      for (const source of sources) rows.push(cells.map((cell) => cellFunction(cell)(source)));
    },
    held: () => 0,
    files: () => [],
  };
  lane.add(charges, batch);
  const isLong = columns.map(({ type }) => type === "long" || type === "timestamp");
  return rows.map((row) => row.map((cell, at) => (isLong[at] && typeof cell === "number" ? BigInt(cell) : cell)));
}

/** Whether the fast lane reads the event. If it does, the plain lane must have exactly the same rows. */
function isSame(stored: StoredEvent): boolean {
  const charge = chargeOnce(stored, names);
  if (charge === undefined) return false;
  for (const table of exportTables)
    expect(laneRows(table, [charge]), table.name).toStrictEqual(table.rows(decodeEvent(stored), stored, names));
  return true;
}

test(`charges of a history have the same rows in both lanes, seed ${seed}`, () => {
  const stored = randomHistory(seed, 600).map((event): StoredEvent => {
    const leaf = Uint8Array.from({ length: 32 }, (_, at) => (event.revision * 31 + at) % 256);
    const { data, ...form } = encodeEvent(event);
    return { ...event, ...form, data: Buffer.from(data), leaf };
  });
  const charges = stored.filter(isSame);
  expect(charges.length).toBeGreaterThan(10);
  for (const table of exportTables) {
    const rows = charges.flatMap((event) => [...table.rows(decodeEvent(event), event, names)]);
    expect(
      laneRows(
        table,
        charges.flatMap((event) => chargeOnce(event, names) ?? []),
      ),
    ).toStrictEqual(rows);
  }
});

test("so has any charge, whatever is in its texts, or the fast lane does not read it", () => {
  const anyText = fc.oneof(fc.stringMatching(/^[ !#-[\]-~]{0,200}$/), fc.string({ unit: "grapheme", maxLength: 8 }));
  const day = fc.date({ min: new Date(0), max: new Date(2 ** 42), noInvalidDate: true });
  const money = fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n });
  const any = fc.record({
    ...{ fact: factsByType.PaymentCharged, text: anyText, day, amount: money, balance: money },
    at: fc.integer({ min: 0, max: 2 ** 52 }),
    revision: fc.nat({ max: 2 ** 40 - 1 }),
    salt: fc.nat({ max: 2 ** 30 - 1 }),
  });
  let read = 0;
  fc.assert(
    fc.property(any, ({ fact, text, day, amount, balance, at, revision, salt }) => {
      const body = idBody(at, { shard: 0, revision }, salt);
      const plain = { id: makeId("pay", body), tenant: text, amount, captured: amount, fee: 0n, metadata: {} };
      const currency = text as typeof fact.payment.currency;
      const payment = { ...fact.payment, ...plain, currency, createdAt: at, reference: text || null };
      const date = day.toISOString().slice(0, 10) as (typeof fact.postings)[number]["date"];
      const postings = fact.postings.map((posting, index) => {
        return { ...posting, amount: index === 0 ? -amount : amount, balance, date };
      });
      const origin = { tenant: text, sub: "alice", key: null, print: null };
      const { data, ...form } = encodeEvent({ origin, fact: { ...fact, payment, postings } });
      const stored = { id: makeId("evt", body), at, shard: 0, revision, ...form };
      if (isSame({ ...stored, data: Buffer.from(data), leaf: new Uint8Array(32) })) read++;
    }),
    { numRuns: 500 },
  );
  expect(read).toBeGreaterThan(50);
});

test("an event is read once for all tables, and a copy of it again", () => {
  const [event] = randomHistory(1, 600).filter(({ fact }) => fact.type === "PaymentCharged");
  if (!event) throw new Error("there is a charge");
  const { data, ...form } = encodeEvent(event);
  const stored: StoredEvent = { ...event, ...form, data: Buffer.from(data), leaf: new Uint8Array(32) };
  const charge = chargeOnce(stored, names);
  expect(chargeOnce(stored, names)).toBe(charge);
  expect(chargeOnce({ ...stored, revision: 7 }, names)?.stored.revision).toBe(7);
});
