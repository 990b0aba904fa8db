import type { Answer, BulkAnswer } from "command-service";
import type { Caller, LedgerEvent, Micros, Revision } from "ledger-core";
import type { NewEvent, StoredEvent } from "ledger-core/event-log";
import { makeAnswerCheck } from "./answers.ts";
import { type Books, emptyBooks } from "./books.ts";
import { type History, makeHistory } from "./history.ts";
import { hasExpired } from "./payment-outcomes.ts";
import { makeReading, type Notes } from "./reading.ts";
import { type KeyBooks, type Sent, scopeOf } from "./requests.ts";
import { hold } from "./violation.ts";

/** Reads along with the log and with every answer, and checks each against books of its own. @throws Violation */
export type Auditor = {
  readonly books: Books;
  readonly keys: KeyBooks;
  readonly events: readonly LedgerEvent[];
  readonly history: History;
  /** A batch is in the log. `sent` is the append that it came in. */
  appended(batch: readonly StoredEvent[], sent: readonly NewEvent[]): void;
  /** The log has died and is back, with what it had answered. */
  restarted(head: Revision): void;
  /** A writer was given what these keys stand for. */
  submitted(caller: Caller, keys: readonly string[]): void;
  /** It said that nothing was written, and that nothing will be. */
  failedForCertain(caller: Caller, keys: readonly string[]): void;
  /** The writer answered a command. */
  answered(key: string, sent: Sent, answer: Answer): void;
  answeredBulk(key: string, caller: Caller, itemKeys: readonly (string | null)[], answer: BulkAnswer): void;
  /** Authorizations that should have been released by now. */
  overdue(now: Micros): number;
};

export function makeAuditor(): Auditor {
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
    ...makeAnswerCheck(notes),
    appended: makeReading(notes),
    restarted(head) {
      const { events } = notes;
      hold(
        head === events.length - 1,
        "1 acknowledged is kept",
        () => `${events.length - 1} was written, ${head} is left`,
      );
    },
    submitted: (caller, keys) => change(caller, keys, 1),
    failedForCertain: (caller, keys) => change(caller, keys, -1),
    overdue(now) {
      let count = 0;
      for (const payment of books.payments.values()) if (payment.held > 0n && hasExpired(payment, now)) count++;
      return count;
    },
  };
}
