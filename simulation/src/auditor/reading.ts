import { decodeEvent, type LedgerEvent } from "ledger-core";
import type { NewEvent, StoredEvent } from "ledger-core/event-log";
import type { AuditBooks } from "./books.ts";
import { difference, enter, spendAll } from "./events.ts";
import type { ExpectedOutcome } from "./grounds.ts";
import type { History } from "./history.ts";
import { expectOutcome } from "./outcomes.ts";
import { hasExpired } from "./payment-outcomes.ts";
import { makePlaceCheck } from "./places.ts";
import { type KeyBook, type KeyBooks, scopeOf, tellsOf } from "./requests.ts";
import { mustHold, Violation } from "./violation.ts";

/** The auditor's notes. */
export type Notes = {
  readonly books: AuditBooks;
  readonly keys: KeyBooks;
  readonly events: LedgerEvent[];
  readonly history: History;
};

/** The limits of a world, as passed to its writers. */
export type Bounds = {
  readonly eventBytesMax?: number;
  readonly batchBytesMax?: number;
  readonly atomicItemsMax?: number;
};

export const defaultBounds = { eventBytesMax: 524_288, batchBytesMax: 921_600, atomicItemsMax: 1000 } as const;

/** Reads the log as it grows: every batch, event by event, with its append. @throws Violation */
export function makeReading(notes: Notes, bounds: Required<Bounds>) {
  const { books, keys, events, history } = notes;
  const checkPlace = makePlaceCheck();
  /** The clearing account just opened, which the next event must use. */
  let opening: LedgerEvent | undefined;

  function inspect(stored: StoredEvent): void {
    const event = decodeEvent(stored);
    checkPlace(event, events.at(-1));
    events.push(event);
    const { fact, origin } = event;
    if (fact.type === "WriterEpochStarted") return;
    if (origin.key !== null) inspectAnswering(event, origin.key);
    else inspectUnkeyed(event);
    history.follow(event);
  }

  function inspectAnswering(event: LedgerEvent, key: string): void {
    const { fact, origin } = event;
    const known = keys.get(scopeOf(origin, key));
    if (!known) throw new Violation("2 one key, one effect", `${fact.type} under a key that was never sent: ${key}`);
    mustHold(
      !known.event,
      "2 one key, one effect",
      () => `${key} is answered at ${known.event?.revision} and ${event.revision}`,
    );
    mustHold(
      known.live > 0,
      "13 failed is not written",
      () => `${key} failed for certain, and is at ${event.revision}`,
    );
    known.event = event;
    if (fact.type === "BulkRecorded") {
      known.answers = known.sent.filter(({ command }) => command === null);
      mustHold(known.answers.length > 0, "2 one key, one effect", () => `${key} was not sent for a bulk`);
      return;
    }
    const outcome = outcomeOf(books, known, event);
    enter(books, event);
    if (outcome.kind === "accepted") spendAll(books, outcome.spends, event.at);
    opening = undefined;
  }

  /** Only a clearing account that the next event needs, and an expiry, come without a key. */
  function inspectUnkeyed(event: LedgerEvent): void {
    const { fact } = event;
    mustHold(!opening, "5 all or none", () => `a clearing account was opened for nothing`);
    if (fact.type === "PaymentExpired") {
      const payment = books.payments.get(fact.payment.id);
      const due = payment && hasExpired(payment, event.at) && payment.held > 0n;
      mustHold(due === true, "4 decisions", () => `${fact.payment.id} expired before its time`);
    } else if (fact.type === "AccountOpened" && fact.account.type === "clearing") opening = event;
    else throw new Violation("2 one key, one effect", `${fact.type} at ${event.revision} under no key`);
    enter(books, event);
  }

  return (batch: readonly StoredEvent[], sent: readonly NewEvent[]): void => {
    mustHold(batch.length === sent.length, "5 all or none", () => `${batch.length} of ${sent.length} events were kept`);
    bounded(bounds, batch);
    for (const stored of batch) inspect(stored);
    mustHold(!opening, "5 all or none", () => "an append ends between the events of one command");
    wholeBulks(notes, batch);
  };
}

/** An atomic bulk's events are in the log with its record, in one append, or none is. */
function wholeBulks(notes: Notes, batch: readonly StoredEvent[]): void {
  const { events, keys } = notes;
  const first = batch[0]?.revision ?? 0;
  for (const { origin, fact } of events.slice(first)) {
    if (origin.key === null || fact.type === "BulkRecorded") continue;
    const bulk = keys.get(scopeOf(origin, origin.key))?.answers[0]?.atomicKeys ?? [];
    const there = bulk.map((key) => keys.get(scopeOf(origin, key))?.event?.revision);
    const whole = there.every((revision) => revision !== undefined) && (there.at(-1) ?? first) >= first;
    mustHold(whole, "5 all or none", () => `of atomic bulk ${bulk.at(-1)} a part is in the log`);
  }
}

function bounded(bounds: Required<Bounds>, batch: readonly StoredEvent[]): void {
  let sum = 0;
  for (const { data, type, revision } of batch) {
    sum += data.length;
    mustHold(
      data.length <= bounds.eventBytesMax,
      "11 bounded event",
      () => `${type} at ${revision} has ${data.length} bytes, ${bounds.eventBytesMax} at most`,
    );
  }
  mustHold(sum <= bounds.batchBytesMax, "11 bounded append", () => `${sum} bytes, ${bounds.batchBytesMax} at most`);
}

/** The event's expected outcome, by the requests sent under its key; notes the requests that fit as answered. */
function outcomeOf(books: AuditBooks, known: KeyBook, { fact, at, revision, origin }: LedgerEvent): ExpectedOutcome {
  let why = "it tells of nothing that was sent";
  let outcome: ExpectedOutcome | undefined;
  known.answers = known.sent.filter(({ command, caller }) => {
    if (!command || !tellsOf(fact, command)) return false;
    const expected = expectOutcome(books, command, caller, at);
    const wrong = difference(fact, expected);
    if (wrong === undefined) outcome = expected;
    else why = `${command.type} under ${origin.key}: ${wrong}`;
    return wrong === undefined;
  });
  if (!outcome) throw new Violation("4 decisions", `${why} (${fact.type} at ${revision})`);
  return outcome;
}
