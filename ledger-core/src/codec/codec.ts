import { Buffer } from "node:buffer";
import type { EventBody } from "../domain/decision.ts";
import { LedgerError } from "../domain/errors.ts";
import type { Fact, FactType, LedgerEvent } from "../domain/events.ts";
import type { NewEvent, StoredEvent } from "../ports/event-log.ts";
import { factShapes, originShape } from "./fact-shapes.ts";
import { readPlainCharge } from "./fast/plain-charge.ts";
import { readPaymentCharged, writePaymentCharged } from "./payment-charged.ts";
import { asObject, type Json, Malformed, type Shape } from "./shape.ts";
import { currentVersions, isFactType, type Upcasters, upcasters } from "./versions.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** An event as stored: its type, the version of its shape, and its JSON. */
function writeEvent({ origin, fact }: EventBody): { type: string; version: number; data: string } {
  const data =
    fact.type === "PaymentCharged"
      ? writePaymentCharged(origin, fact)
      : JSON.stringify({ origin: originShape.write(origin), ...asObject(shapeOf(fact.type).write(fact)) });
  return { type: fact.type, version: currentVersions[fact.type], data };
}

/** An event as stored, with its JSON in bytes. */
export function encodeEvent(body: EventBody): { type: string; version: number; data: Uint8Array } {
  const { type, version, data } = writeEvent(body);
  return { type, version, data: Buffer.from(data) };
}

/** Adds an event to a batch for the log. */
export function frameEvent(frames: { add(event: NewEvent): void }, event: LedgerEvent): void {
  const { id, at } = event;
  const { type, version, data } = writeEvent(event);
  frames.add({ id, at, type, version, data });
}

/** An event with its place in the log. */
type PlacedEvent = Omit<StoredEvent, "leaf"> & Partial<Pick<StoredEvent, "leaf">>;

/**
 * Decodes a stored event, and upcasts older versions step by step.
 * @throws LedgerError poison_event: the bytes do not fit their type and version, or the type is unknown
 * @throws LedgerError incompatible: only a newer ledger can read this version
 */
export function decodeEvent(stored: PlacedEvent, table: Upcasters = upcasters): LedgerEvent {
  const { id, at, shard, revision } = stored;
  try {
    const { origin, fact } = decodeBody(stored, table);
    return { id, at, shard, revision, origin, fact };
  } catch (error) {
    if (error instanceof LedgerError) throw error;
    if (!(error instanceof Malformed || error instanceof SyntaxError || error instanceof TypeError)) throw error;
    throw fault("poison_event", stored, `cannot be read: ${error.message}`, error);
  }
}

function decodeBody(stored: PlacedEvent, table: Upcasters): EventBody {
  const { type, data } = stored;
  if (!isFactType(type)) throw fault("poison_event", stored, "is of a type that this ledger does not know");
  const current = currentVersions[type];
  if (stored.version > current) {
    throw fault("incompatible", stored, `was written by a newer ledger; this one reads up to version ${current}`);
  }
  if (type === "PaymentCharged" && stored.version === current) {
    const plain = readPlainCharge(data);
    if (plain) return plain;
  }
  let json: Json = JSON.parse(decoder.decode(data));
  for (let version = stored.version; version < current; version++) {
    const upcast = table[type]?.[version];
    if (!upcast) throw fault("poison_event", stored, `has no way up from version ${version}`);
    json = upcast(asObject(json));
  }
  if (type === "PaymentCharged") return readPaymentCharged(json);
  const body = shapeOf(type).read(json);
  return { origin: originShape.read(asObject(json).origin), fact: { type, ...body } as Fact };
}

/** The table pairs each type with its own shape, which the compiler cannot follow through a look-up. */
function shapeOf(type: Exclude<FactType, "PaymentCharged">): Shape<object> {
  return factShapes[type] as Shape<unknown> as Shape<object>;
}

function fault(code: "poison_event" | "incompatible", stored: PlacedEvent, what: string, cause?: unknown): LedgerError {
  const { id, type, version, shard, revision } = stored;
  const message = `event ${id} at ${shard}:${revision} (${type} version ${version}) ${what}`;
  return new LedgerError(code, message, { cause, position: { shard, revision } });
}
