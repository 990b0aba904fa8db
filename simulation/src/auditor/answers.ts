import { type Answer, type BulkAnswer, type BulkItem, renderAnswer } from "command-service";
import { type ClientCommand, formatPosition, type LedgerEvent, type Micros } from "ledger-core";
import type { AuditBooks } from "./books.ts";
import { type EventPlace, makeBulkCheck, placeOf } from "./bulk-answers.ts";
import { expectOutcome } from "./outcomes.ts";
import type { Bounds, Notes } from "./reading.ts";
import { type KeyBook, type SentRequest, scopeOf, textOf } from "./requests.ts";
import { mustHold, Violation } from "./violation.ts";

/** Checks every answer before anybody else sees it. @throws Violation */
export function makeAnswerCheck(notes: Notes, bounds: Required<Bounds>) {
  const { books, keys, events } = notes;
  /** Checks that the answer is an event in the log, under this key. */
  function inLog(known: KeyBook | undefined, answer: EventPlace): LedgerEvent {
    const stored = events[answer.revision];
    if (stored?.id !== answer.id)
      throw new Violation("1 acknowledged is kept", `${answer.id} at ${formatPosition(answer)} is not in the log`);
    mustHold(known?.event === stored, "2 one answer", () => `answered with ${stored.fact.type} of another key`);
    return stored;
  }

  return {
    answered(key: string, sent: SentRequest, answer: Answer): void {
      const known = keys.get(scopeOf(sent.caller, key));
      if (answer.kind === "refused") {
        checkRefusal(books, known, sent, answer.rejection.code);
        return;
      }
      const stored = inLog(known, answer.event);
      if (!known) return;
      mustHold(
        known.answers.some(({ text }) => text === sent.text),
        "2 one answer",
        () => `${key} is answered for another body`,
      );
      known.body ??= renderAnswer(stored).body;
      const { body } = renderAnswer(answer.event);
      mustHold(body === known.body, "2 one answer", () => `${key} is answered with ${body}, before with ${known.body}`);
      if (!answer.replayed) known.firstAnswers++;
      mustHold(known.firstAnswers <= 1, "2 one answer", () => `${key} happened twice, as the answers have it`);
    },
    answeredBulk: makeBulkCheck(notes, inLog, bounds),
  };
}

/**
 * Checks that a dry run of a bulk is answered item by item, and that items with the same key get the answer of the
 * first that would be recorded.
 */
export function checkTried(mode: "each" | "atomic", items: readonly BulkItem[], answer: BulkAnswer): void {
  if (answer.kind !== "recorded") return;
  mustHold(answer.results.length === items.length, "2 one answer", () => "a dry run is not answered item by item");
  const firsts = new Map<string, { readonly text: string; readonly id: string }>();
  for (const [index, result] of answer.results.entries()) {
    const item = items[index];
    if (item?.kind !== "command") continue;
    const text = textOf(item.command);
    const first = firsts.get(item.key);
    const found = result.kind === "fault" ? result.fault.code : placeOf(result, answer.position.shard).id;
    if (!first) {
      if (result.kind !== "fault") firsts.set(item.key, { text, id: found });
      continue;
    }
    // Two items of an atomic bulk under one key are a fault of the bulk, even if the key was answered before.
    const expected = first.text === text && !(mode === "atomic" && found === reused) ? first.id : reused;
    mustHold(
      found === expected,
      "2 one answer",
      () => `item ${index} is tried as ${found}, under a key of ${first.id}`,
    );
  }
}

const reused = "idempotency_key_reused";
const END_OF_TIME: Micros = Number.MAX_SAFE_INTEGER / 2;

/** A refusal that is not recorded must still be right. */
function checkRefusal(books: AuditBooks, known: KeyBook | undefined, sent: SentRequest, code: string): void {
  if (code === "idempotency_key_reused") {
    const own = known?.answers.length === 1 && known.answers[0]?.text === sent.text;
    const right = known?.event !== undefined && !own;
    mustHold(right, "2 one answer", () => "a key is called used that was not, or not for anything else");
    return;
  }
  const recorded = known?.answers.some(({ text }) => text === sent.text);
  mustHold(!recorded, "2 one answer", () => `${code} to a request that has another answer`);
  if (!sent.command) return;
  const { command, caller } = sent;
  // It is not in the log, so its time is unknown: it must be right at the start or the end of time, or at a time that
  // fits the command's own times.
  const right = [0, END_OF_TIME, fittingTime(command)].some((at) => {
    const expected = expectOutcome(books, command, caller, at);
    return expected.kind === "refused" && !expected.recorded && expected.codes.includes(code);
  });
  mustHold(right, "4 decisions", () => `${sent.command?.type} is refused with ${code}`);
}

/** A time at which the times in a command are neither past nor too far ahead. */
function fittingTime(command: ClientCommand): Micros {
  if (command.type === "MakePayment") return (command.expiresAt ?? 1) - 1;
  if (command.type === "PostTransfer" && command.effectiveDate) return Date.parse(command.effectiveDate) * 1000;
  return 0;
}
