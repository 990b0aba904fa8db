import { isLedgerError, type LedgerError } from "../../domain/errors.ts";
import type { Revision, Shard } from "../../domain/position.ts";
import type { StoredEvent } from "../../ports/event-log.ts";
import { corrupt } from "../frames.ts";
import { decodeRecorded } from "./messages.ts";
import type { ReadResp } from "./stubs.ts";

/** Messages of a read in order, checked, and gathered until they are handed on. */
export class Pieces {
  readonly #shard: Shard;
  readonly #from: Revision;
  #events: StoredEvent[] = [];
  #next: Revision;
  #fault: LedgerError | undefined;

  /** @param next the first revision that will come @param from the first one that is wanted */
  constructor(shard: Shard, next: Revision, from = next) {
    this.#shard = shard;
    this.#next = next;
    this.#from = from;
  }

  /** The next revision that is expected. */
  get next(): Revision {
    return this.#next;
  }
  get size(): number {
    return this.#events.length;
  }
  /** Damage behind the events that were gathered: hand those on first. */
  get fault(): LedgerError | undefined {
    return this.#fault;
  }

  add(message: ReadResp): void {
    const recorded = message.getEvent()?.getEvent();
    if (!recorded || this.#fault) return;
    const revision = Number(recorded.getStreamRevision());
    if (revision < this.#next) return;
    try {
      if (revision > this.#next) {
        const missing = `the events up to ${revision} are missing: its stream must have no $maxCount, $maxAge or $tb`;
        throw corrupt(this.#shard, this.#next, missing);
      }
      const event = decodeRecorded(this.#shard, revision, recorded);
      this.#next++;
      if (revision >= this.#from) this.#events.push(event);
    } catch (error) {
      if (!isLedgerError(error)) throw error;
      this.#fault = error;
    }
  }

  take(): readonly StoredEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }
}
