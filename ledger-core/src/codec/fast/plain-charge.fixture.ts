import fc from "fast-check";
import type { Origin } from "../../domain/events.ts";
import { idBody, makeId } from "../../domain/ids.ts";
import type { StoredEvent } from "../../ports/event-log.ts";
import { factsByType } from "../../testing/facts.ts";
import { encodeEvent } from "../codec.ts";

/** The largest amount that the fast lanes read as a number. */
export const EXACT = 10n ** 15n - 1n;

const text = fc.oneof(fc.constantFrom("tenant-a", "", "tenant-b"), fc.stringMatching(/^[ !#-[\]-~]{0,40}$/));
const exact = fc.bigInt({ min: -EXACT, max: EXACT });
const nullable = fc.option(text, { nil: null });
const plainOrigin: fc.Arbitrary<Origin> = fc.record({ tenant: text, sub: text, key: nullable, print: nullable });

/** An event's time and position, and the salt of its id. */
export const anyPlace = fc.record({
  at: fc.integer({ min: 0, max: 8_000_000_000_000_000 }),
  shard: fc.nat({ max: 1023 }),
  revision: fc.nat({ max: 2 ** 40 - 1 }),
  salt: fc.nat({ max: 2 ** 30 - 1 }),
});

/** In the form of most charges that the writer makes. */
export const plainCharge = fc
  .tuple(anyPlace, plainOrigin, factsByType.PaymentCharged, nullable, fc.tuple(exact, exact, exact))
  .map(([{ at, shard, revision, salt }, origin, fact, reference, [amount, debit, credit]]): StoredEvent => {
    const { tenant } = origin;
    const body = idBody(at, { shard, revision }, salt);
    const id = makeId("pay", body);
    const plain = { id, tenant, amount, captured: amount, reference, fee: 0n, metadata: {}, createdAt: at };
    const [one, other] = fact.postings;
    if (!one || !other) throw new Error("a charge has two postings");
    const postings = [
      { ...one, amount: -amount, balance: debit },
      { ...other, amount, balance: credit },
    ];
    const written = encodeEvent({ origin, fact: { ...fact, payment: { ...fact.payment, ...plain }, postings } });
    return { id: makeId("evt", body), at, shard, revision, leaf: new Uint8Array(32), ...written };
  });

const bytes = fc.constantFrom(...Buffer.from(' \n",:{}[]\\0189-eulz_\u007f'));
const edits = fc.array(fc.tuple(fc.nat(), bytes, fc.constantFrom("set", "insert", "remove")), {
  minLength: 1,
  maxLength: 3,
});

/** Plain charges with a few bytes changed. */
export const damagedCharge = fc.tuple(plainCharge, edits).map(([event, changes]): StoredEvent => {
  const changed = [...event.data];
  for (const [at, byte, how] of changes)
    changed.splice(at % changed.length, how === "insert" ? 0 : 1, ...(how === "remove" ? [] : [byte]));
  return { ...event, data: Buffer.from(changed) };
});

/** Puts a text in the place of the first match in an event's data. */
export function withText(pattern: RegExp, text: string): (event: StoredEvent) => StoredEvent {
  return (event) => ({ ...event, data: Buffer.from(Buffer.from(event.data).toString().replace(pattern, text)) });
}
