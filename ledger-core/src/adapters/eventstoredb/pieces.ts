import { isLedgerError, type LedgerError } from "../../domain/errors.ts";
import type { Revision, Shard } from "../../domain/position.ts";
import type { StoredEvent } from "../../ports/event-log.ts";
import { corrupt } from "../frames.ts";
import { decodeRecorded } from "./messages.ts";
import type { ReadResp } from "./stubs.ts";

/** Checks the messages of a read in order and collects their events for the next delivery. */
export class Pieces {
  readonly #shard: Shard;
  readonly #from: Revision;
  #events: StoredEvent[] = [];
  #next: Revision;
  #fault: LedgerError | undefined;

  /** @param next the first revision that will arrive @param from the first revision to return */
  constructor(shard: Shard, next: Revision, from = next) {
    this.#shard = shard;
    this.#next = next;
    this.#from = from;
  }

  /** The next expected revision. */
  get next(): Revision {
    return this.#next;
  }
  get size(): number {
    return this.#events.length;
  }
  /** Damage after the collected events; deliver those first. */
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
