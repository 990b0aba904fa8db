import fc from "fast-check";
import { expect, test } from "vitest";
import { isLedgerError } from "../domain/errors.ts";
import { idBody, makeId } from "../domain/ids.ts";
import type { StoredEvent } from "../ports/event-log.ts";
import { anyFact, anyOrigin } from "../testing/facts.ts";
import { decodeEvent, encodeEvent } from "./codec.ts";

const at = 1_795_336_200_000_000;
const place = { id: makeId("evt", idBody(at, { shard: 3, revision: 9 }, 5)), at, shard: 3, revision: 9 };

/** Damage to bytes, as by a disk or by hand: other bytes from an offset on, or some cut out. */
const damage = fc.record({ at: fc.nat(), cut: fc.nat({ max: 8 }), put: fc.uint8Array({ maxLength: 8 }) });

/** "decoded", or the code of the operating error; anything else is thrown. */
function outcome(stored: StoredEvent): "decoded" | string {
  try {
    decodeEvent(stored);
    return "decoded";
  } catch (error) {
    if (isLedgerError(error)) return error.code;
    throw error;
  }
}

test("damaged events are poison, or still events: nothing else comes of them", () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(anyOrigin, anyFact, damage, (someOrigin, fact, harm) => {
      const origin = fact.type === "PaymentCharged" ? { ...someOrigin, tenant: fact.payment.tenant } : someOrigin;
      const whole = encodeEvent({ origin, fact });
      const start = harm.at % whole.data.length;
      const data = Buffer.concat([whole.data.subarray(0, start), harm.put, whole.data.subarray(start + harm.cut)]);
      const result = outcome({ ...place, ...whole, data, leaf: new Uint8Array(32) });
      seen.add(result);
      expect(["decoded", "poison_event"]).toContain(result);
    }),
    { numRuns: 5000 },
  );
  expect(seen).toContain("poison_event");
});

test("any bytes under any type and version are read as an event or end in an operating error", () => {
  const type = fc.oneof(
    anyFact.map((fact) => fact.type),
    fc.string(),
  );
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 64 }),
    fc.json().map((text) => Buffer.from(text)),
  );
  fc.assert(
    fc.property(type, fc.nat({ max: 3 }), bytes, (name, version, data) => {
      const result = outcome({ ...place, type: name, version, data, leaf: new Uint8Array(32) });
      expect(["decoded", "poison_event", "incompatible"]).toContain(result);
    }),
    { numRuns: 5000 },
  );
});
