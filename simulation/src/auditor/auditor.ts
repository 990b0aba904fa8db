import type { Answer, BulkAnswer } from "command-service";
import type { Caller, LedgerEvent, Micros, Revision } from "ledger-core";
import type { NewEvent, StoredEvent } from "ledger-core/event-log";
import { makeAnswerCheck } from "./answers.ts";
import { type AuditBooks, emptyBooks } from "./books.ts";
import type { SentBulk } from "./bulk-answers.ts";
import { type History, makeHistory } from "./history.ts";
import { hasExpired } from "./payment-outcomes.ts";
import { type Bounds, defaultBounds, makeReading, type Notes } from "./reading.ts";
import { type KeyBooks, type SentRequest, scopeOf } from "./requests.ts";
import { mustHold } from "./violation.ts";

/** Follows the log and every answer, and checks both against its own books. @throws Violation */
export type Auditor = {
  readonly books: AuditBooks;
  readonly keys: KeyBooks;
  readonly events: readonly LedgerEvent[];
  readonly history: History;
  /** A batch was written to the log. `sent` is the append that it came from. */
  appended(batch: readonly StoredEvent[], sent: readonly NewEvent[]): void;
  /** The log has restarted; it must have every event that it acknowledged. */
  restarted(head: Revision): void;
  /** A writer was handed the commands with these keys. */
  submitted(caller: Caller, keys: readonly string[]): void;
  /**
   * The commands failed, and nothing more of them will be written; unless part may be there, the writer said that
   * nothing was.
   */
  failedForCertain(caller: Caller, keys: readonly string[], told: ToldFailure): void;
  /** The writer answered a command. */
  answered(key: string, sent: SentRequest, answer: Answer): void;
  answeredBulk(key: string, caller: Caller, sent: SentBulk, answer: BulkAnswer): void;
  /** How many authorizations should have been released by now. */
  overdue(now: Micros): number;
};

/**
 * The claim of a failure: whether part of it may be applied. `head`: the number of events when the writer was handed
 * the commands.
 */
type ToldFailure = { readonly partlyApplied: boolean; readonly head: number };

export function makeAuditor(given: Bounds = {}): Auditor {
  const bounds = { ...defaultBounds, ...given };
  const books = emptyBooks();
  const notes: Notes = { books, keys: new Map(), events: [], history: makeHistory(books) };
  const change = (caller: Caller, keys: readonly string[], by: 1 | -1) => {
    for (const key of keys) {
      const known = notes.keys.get(scopeOf(caller, key));
      if (known) known.live += by;
    }
  };
  return {
    ...notes,
    ...makeAnswerCheck(notes, bounds),
    appended: makeReading(notes, bounds),
    restarted(head) {
      const { events } = notes;
      mustHold(
        head === events.length - 1,
        "1 acknowledged is kept",
        () => `${events.length - 1} was written, ${head} is left`,
      );
    },
    submitted: (caller, keys) => change(caller, keys, 1),
    failedForCertain(caller, keys, { partlyApplied, head }) {
      for (const key of partlyApplied ? [] : keys) {
        const known = notes.keys.get(scopeOf(caller, key));
        // The outcome of a key that was handed over once belongs to that attempt, unless the key was also in a bulk
        // that failed halfway.
        const once = known?.live === 1 && !known.partlyApplied;
        const wrote = once && known.event !== undefined && known.event.revision >= head;
        mustHold(
          !wrote,
          "13 failed is not written",
          () => `${key}: "nothing was written", and it is at ${known?.event?.revision}`,
        );
      }
      change(caller, keys, -1);
      for (const key of partlyApplied ? keys : []) {
        const known = notes.keys.get(scopeOf(caller, key));
        if (known) known.partlyApplied = true;
      }
    },
    overdue(now) {
      let count = 0;
      for (const payment of books.payments.values()) if (payment.held > 0n && hasExpired(payment, now)) count++;
      return count;
    },
  };
}
