import type { Answer, BulkAnswer } from "command-service";
import { renderAnswer } from "command-service";
import { type Caller, decodeEvent, formatPosition, type LedgerEvent, type Micros } from "ledger-core";
import type { NewEvent, StoredEvent } from "ledger-core/event-log";
import { type Books, emptyBooks } from "./books.ts";
import { difference, enter, spendAll } from "./events.ts";
import type { Outcome } from "./grounds.ts";
import { type History, makeHistory } from "./history.ts";
import { expectOutcome } from "./outcomes.ts";
import { hasExpired } from "./payment-outcomes.ts";
import { type KeyBook, type KeyBooks, type Sent, scopeOf, tellsOf } from "./requests.ts";
import { hold, Violation } from "./violation.ts";

/** Reads along with the log and with every answer, and checks each against books of its own. @throws Violation */
export type Auditor = {
  readonly books: Books;
  readonly keys: KeyBooks;
  readonly events: readonly LedgerEvent[];
  readonly history: History;
  /** A batch is in the log. `sent` is the append that it came in. */
  appended(batch: readonly StoredEvent[], sent: readonly NewEvent[]): void;
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
  const keys: KeyBooks = new Map();
  const events: LedgerEvent[] = [];
  const history = makeHistory(books);
  let epoch = 0;
  let salt = -1;
  /** A clearing account was opened, for the event that comes next. */
  let opening: LedgerEvent | undefined;

  function inspect(stored: StoredEvent): void {
    const event = decodeEvent(stored);
    place(event);
    events.push(event);
    const { fact, origin } = event;
    if (fact.type === "WriterEpochStarted") {
      hold(fact.epoch === epoch + 1, "3 one writer", () => `epoch ${fact.epoch} follows ${epoch}`);
      epoch = fact.epoch;
      return;
    }
    if (origin.key !== null) inspectAnswering(event, origin.key);
    else inspectUnkeyed(event);
    history.follow(event);
  }

  /** Where an event stands, when, and who wrote it: all of it is in its id. */
  function place({ id, at, shard, revision, fact }: LedgerEvent): void {
    const expected = events.length;
    const last = events.at(-1);
    hold(revision === expected, "5 no gaps", () => `revision ${revision} follows ${expected - 1}`);
    hold(at >= (last?.at ?? 0), "14 clocks", () => `${revision} is of ${at}, before the event before it`);
    const read = readBase32(id);
    hold(read.revision === revision && shard === 0, "5 ids", () => `${id} at ${revision} says ${read.revision}`);
    hold(read.ms === Math.floor(at / 1000), "5 ids", () => `${id} is not of its time`);
    if (fact.type === "WriterEpochStarted") {
      hold(read.salt !== salt, "5 ids", () => `the writer of ${id} makes the ids of the one before it`);
      salt = read.salt;
    }
    hold(read.salt === salt, "3 stale writer", () => `${id} at ${revision} is of a writer that was superseded`);
  }

  function inspectAnswering(event: LedgerEvent, key: string): void {
    const { fact, origin } = event;
    const known = keys.get(scopeOf(origin, key));
    if (!known) throw new Violation("2 one key, one effect", `${fact.type} under a key that was never sent: ${key}`);
    hold(
      !known.event,
      "2 one key, one effect",
      () => `${key} is answered at ${known.event?.revision} and ${event.revision}`,
    );
    hold(known.live > 0, "13 failed is not written", () => `${key} failed for certain, and is at ${event.revision}`);
    known.event = event;
    if (fact.type === "BulkRecorded") {
      known.answers = known.sent.filter(({ command }) => command === null);
      hold(known.answers.length > 0, "2 one key, one effect", () => `${key} was not sent for a bulk`);
      return;
    }
    let why = "it tells of nothing that was sent";
    let outcome: Outcome | undefined;
    known.answers = known.sent.filter(({ command, caller }) => {
      if (!command || !tellsOf(fact, command)) return false;
      const expected = expectOutcome(books, command, caller, event.at);
      const wrong = difference(fact, expected);
      if (wrong === undefined) outcome = expected;
      else why = `${command.type} under ${key}: ${wrong}`;
      return wrong === undefined;
    });
    if (!outcome) throw new Violation("4 decisions", `${why} (${fact.type} at ${event.revision})`);
    enter(books, event);
    if (outcome.kind === "accepted") spendAll(books, outcome.spends, event.at);
    opening = undefined;
  }

  /** Only a clearing account that the next event needs, and what ends by itself, come under no key. */
  function inspectUnkeyed(event: LedgerEvent): void {
    const { fact } = event;
    hold(!opening, "5 all or none", () => `a clearing account was opened for nothing`);
    if (fact.type === "PaymentExpired") {
      const payment = books.payments.get(fact.payment.id);
      const due = payment && hasExpired(payment, event.at) && payment.held > 0n;
      hold(due === true, "4 decisions", () => `${fact.payment.id} expired before its time`);
    } else if (fact.type === "AccountOpened" && fact.account.type === "clearing") opening = event;
    else throw new Violation("2 one key, one effect", `${fact.type} at ${event.revision} under no key`);
    enter(books, event);
  }

  /** Of an atomic bulk all items are in the log with its own record, or none is. */
  function wholeBulks(batch: readonly StoredEvent[]): void {
    for (const { origin } of events.slice(batch[0]?.revision ?? 0)) {
      if (origin.key === null) continue;
      const bulk = keys.get(scopeOf(origin, origin.key))?.answers[0]?.atomicKeys ?? [];
      const there = bulk.map((key) => keys.get(scopeOf(origin, key))?.event !== undefined);
      const none = there.slice(0, -1).every((item) => !item);
      hold(
        none || there.every((item) => item),
        "5 all or none",
        () => `of atomic bulk ${bulk.at(-1)} a part is in the log`,
      );
    }
  }

  /** That an answer is of an event in the log, of this key, and of what was sent. */
  function inLog(known: KeyBook | undefined, answer: LedgerEvent): LedgerEvent {
    const stored = events[answer.revision];
    if (stored?.id !== answer.id)
      throw new Violation("1 acknowledged is kept", `${answer.id} at ${formatPosition(answer)} is not in the log`);
    hold(known?.event === stored, "2 one answer", () => `answered with ${stored.fact.type} of another key`);
    return stored;
  }

  return {
    books,
    keys,
    events,
    history,
    appended(batch, sent) {
      hold(batch.length === sent.length, "5 all or none", () => `${batch.length} of ${sent.length} events were kept`);
      for (const stored of batch) inspect(stored);
      hold(!opening, "5 all or none", () => "an append ends between the events of one command");
      wholeBulks(batch);
    },
    submitted(caller, submitted) {
      for (const key of submitted) change(keys.get(scopeOf(caller, key)), 1);
    },
    failedForCertain(caller, failed) {
      for (const key of failed) change(keys.get(scopeOf(caller, key)), -1);
    },
    answered(key, sent, answer) {
      const known = keys.get(scopeOf(sent.caller, key));
      if (answer.kind === "refused") return refusal(books, known, sent, answer.rejection.code);
      const stored = inLog(known, answer.event);
      if (!known) return;
      hold(
        known.answers.some(({ text }) => text === sent.text),
        "2 one answer",
        () => `${key} is answered for another body`,
      );
      known.body ??= renderAnswer(stored).body;
      const { body } = renderAnswer(answer.event);
      hold(body === known.body, "2 one answer", () => `${key} is answered with ${body}, before with ${known.body}`);
      if (!answer.replayed) known.firstAnswers++;
      hold(known.firstAnswers <= 1, "2 one answer", () => `${key} happened twice, as the answers have it`);
    },
    answeredBulk(key, caller, itemKeys, answer) {
      const known = keys.get(scopeOf(caller, key));
      if (answer.kind === "refused") return;
      hold(answer.results.length === itemKeys.length, "2 one answer", () => "a bulk is not answered item by item");
      for (const [index, result] of answer.results.entries()) {
        const itemKey = itemKeys[index];
        if (result.kind === "recorded" && itemKey) inLog(keys.get(scopeOf(caller, itemKey)), result.event);
      }
      // Where nothing was recorded, nothing need be repeated.
      if (!known?.event || known.event.revision !== answer.position.revision) return;
      const body = answer.results
        .map((result) => (result.kind === "recorded" ? result.event.id : result.fault.code))
        .join();
      known.body ??= body;
      hold(
        body === known.body,
        "2 one answer",
        () => `bulk ${key} is answered with ${body}, before with ${known.body}`,
      );
    },
    overdue(now) {
      let count = 0;
      for (const payment of books.payments.values()) if (payment.held > 0n && hasExpired(payment, now)) count++;
      return count;
    },
  };
}

function change(known: KeyBook | undefined, by: 1 | -1): void {
  if (known) known.live += by;
}

/** A refusal that nothing is kept of must be right all the same. */
function refusal(books: Books, known: KeyBook | undefined, sent: Sent, code: string): void {
  if (code === "idempotency_key_reused") {
    const own = known?.answers.length === 1 && known.answers[0]?.text === sent.text;
    const right = known?.event !== undefined && !own;
    hold(right, "2 one answer", () => "a key is called used that was not, or not for anything else");
    return;
  }
  const recorded = known?.answers.some(({ text }) => text === sent.text);
  hold(!recorded, "2 one answer", () => `${code} to a request that has another answer`);
  if (!sent.command) return;
  const { command, caller } = sent;
  // When it was decided is not known, since nothing is in the log: at the beginning or at the end of all time it must be right.
  const right = [0, END_OF_TIME].some((at) => {
    const expected = expectOutcome(books, command, caller, at);
    return expected.kind === "refused" && !expected.recorded && expected.codes.includes(code);
  });
  hold(right, "4 decisions", () => `${sent.command?.type} is refused with ${code}`);
}

const END_OF_TIME: Micros = Number.MAX_SAFE_INTEGER / 2;
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

/** What an id holds, read by the auditor's own hand: 10 characters of milliseconds, 2 of shard, 8 of revision, 6 of salt. */
function readBase32(id: string): { ms: number; revision: number; salt: number } {
  const body = id.slice(-26);
  const number = (from: number, to: number) => {
    let sum = 0;
    for (let i = from; i < to; i++) sum = sum * 32 + alphabet.indexOf(body.charAt(i));
    return sum;
  };
  return { ms: number(0, 10), revision: number(12, 20), salt: number(20, 26) };
}
