import { decodeEvent, type LedgerEvent } from "ledger-core";
import type { StoredEvent } from "ledger-core/event-log";

/** `of` is the event itself; a copy of it with other fields is decoded anew. */
type Decoded = { readonly of: StoredEvent; readonly event: LedgerEvent };

/**
 * Decodes an event for the first projection that asks, and keeps the result on it for the others. A WeakMap would cost
 * more than decoding it again.
 * @throws LedgerError poison_event, incompatible
 */
export function decodeOnce(stored: StoredEvent & { decoded?: Decoded }): LedgerEvent {
  if (stored.decoded?.of !== stored) stored.decoded = { of: stored, event: decodeEvent(stored) };
  return stored.decoded.event;
}
