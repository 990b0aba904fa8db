import { type Answer, type BulkAnswer, type BulkItem, type BulkItemAnswer, renderAnswer } from "command-service";
import { type Caller, formatPosition, type LedgerEvent, type Micros, rebrand, type Shard } from "ledger-core";
import type { Books } from "./books.ts";
import { expectOutcome } from "./outcomes.ts";
import type { Notes } from "./reading.ts";
import { type KeyBook, type Sent, scopeOf, textOf } from "./requests.ts";
import { hold, Violation } from "./violation.ts";

type EventPlace = Pick<LedgerEvent, "id" | "shard" | "revision">;

/** The answering event of an item: an object bears the characters of the event that made it. */
function placeOf(result: Exclude<BulkItemAnswer, { kind: "fault" }>, shard: Shard): EventPlace {
  return result.kind === "made" ? { id: rebrand("evt", result.id), shard, revision: result.revision } : result.event;
}

/** Looks at every answer before anybody else does. @throws Violation */
export function makeAnswerCheck({ books, keys, events }: Notes) {
  /** That an answer is of an event in the log, of this key, and of what was sent. */
  function inLog(known: KeyBook | undefined, answer: EventPlace): LedgerEvent {
    const stored = events[answer.revision];
    if (stored?.id !== answer.id)
      throw new Violation("1 acknowledged is kept", `${answer.id} at ${formatPosition(answer)} is not in the log`);
    hold(known?.event === stored, "2 one answer", () => `answered with ${stored.fact.type} of another key`);
    return stored;
  }

  return {
    answered(key: string, sent: Sent, answer: Answer): void {
      const known = keys.get(scopeOf(sent.caller, key));
      if (answer.kind === "refused") {
        checkRefusal(books, known, sent, answer.rejection.code);
        return;
      }
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
    answeredBulk(key: string, caller: Caller, itemKeys: readonly (string | null)[], answer: BulkAnswer): void {
      const known = keys.get(scopeOf(caller, key));
      if (answer.kind === "refused") return;
      hold(answer.results.length === itemKeys.length, "2 one answer", () => "a bulk is not answered item by item");
      for (const [index, result] of answer.results.entries()) {
        const itemKey = itemKeys[index];
        if (result.kind !== "fault" && itemKey)
          inLog(keys.get(scopeOf(caller, itemKey)), placeOf(result, answer.position.shard));
      }
      const declined = answer.results.some((result) => result.kind === "fault" && !unrecorded.has(result.fault.code));
      hold(!declined || known?.event !== undefined, "2 one answer", () => `bulk ${key} was declined, and forgotten`);
      // Where nothing was recorded, nothing need be repeated.
      if (!known?.event || known.event.revision !== answer.position.revision) return;
      const body = answer.results
        .map((result) => (result.kind === "fault" ? result.fault.code : placeOf(result, answer.position.shard).id))
        .join();
      known.body ??= body;
      hold(
        body === known.body,
        "2 one answer",
        () => `bulk ${key} is answered with ${body}, before with ${known.body}`,
      );
    },
  };
}

/** That a bulk which was only tried is answered item by item, and items that bear one key by the first that would be recorded. */
export function checkTried(items: readonly BulkItem[], answer: BulkAnswer): void {
  if (answer.kind === "refused") return;
  hold(answer.results.length === items.length, "2 one answer", () => "a dry run is not answered item by item");
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
    const expected = first.text === text ? first.id : "idempotency_key_reused";
    hold(found === expected, "2 one answer", () => `item ${index} is tried as ${found}, under a key of ${first.id}`);
  }
}

/** What is refused and not stored, so that the same key may come to something later. */
const unrecorded = new Set([
  ...["account_not_found", "payment_not_found", "amount_invalid", "invalid_request"],
  ...["idempotency_key_reused", "bulk_aborted"],
]);

const END_OF_TIME: Micros = Number.MAX_SAFE_INTEGER / 2;

/** A refusal that nothing is kept of must be right all the same. */
function checkRefusal(books: Books, known: KeyBook | undefined, sent: Sent, code: string): void {
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
