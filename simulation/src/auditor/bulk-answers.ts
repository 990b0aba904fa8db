import type { BulkAnswer, BulkItem, BulkItemAnswer } from "command-service";
import { type Caller, type LedgerEvent, rebrand, type Shard } from "ledger-core";
import type { Bounds, Notes } from "./reading.ts";
import { type KeyBook, scopeOf, textOf } from "./requests.ts";
import { mustHold, Violation } from "./violation.ts";

export type EventPlace = Pick<LedgerEvent, "id" | "shard" | "revision">;
export type SentBulk = { readonly mode: "each" | "atomic"; readonly items: readonly BulkItem[] };

/** The event that answers an item; an object's id ends with the same characters as the id of the event that made it. */
export function placeOf(result: Exclude<BulkItemAnswer, { kind: "fault" }>, shard: Shard): EventPlace {
  return result.kind === "made" ? { id: rebrand("evt", result.id), shard, revision: result.revision } : result.event;
}

type InLog = (known: KeyBook | undefined, answer: EventPlace) => LedgerEvent;

/** Checks the answers to bulks. @throws Violation */
export function makeBulkCheck({ keys }: Notes, inLog: InLog, bounds: Required<Bounds>) {
  return (key: string, caller: Caller, sent: SentBulk, answer: BulkAnswer): void => {
    const known = keys.get(scopeOf(caller, key));
    if (answer.kind === "forbidden") throw new Violation("15 tenants apart", `an operator is kept from bulk ${key}`);
    if (answer.kind === "refused") {
      checkRefused(answer.rejection.code, sent, known, bounds);
      return;
    }
    const { results, position } = answer;
    mustHold(results.length === sent.items.length, "2 one answer", () => "a bulk is not answered item by item");
    const stored = known?.event;
    if (!known || stored?.revision !== position.revision)
      throw new Violation("2 one answer", `bulk ${key} is answered, and not recorded at ${position.revision}`);
    for (const [index, result] of results.entries()) {
      const item = sent.items[index];
      if (item?.kind === "fault") checkFault(item, result);
      else if (item) checkCommand(keys.get(scopeOf(caller, item.key)), item, result, stored, inLog);
    }
    if (sent.mode === "atomic") checkAtomic(results, stored);
    const body = results
      .map((result) => (result.kind === "fault" ? textOf(result.fault) : placeOf(result, position.shard).id))
      .join();
    known.body ??= body;
    mustHold(
      body === known.body,
      "2 one answer",
      () => `bulk ${key} is answered with ${body}, before with ${known.body}`,
    );
    if (!answer.replayed) known.firstAnswers++;
    mustHold(known.firstAnswers <= 1, "2 one answer", () => `bulk ${key} happened twice, as the answers have it`);
  };
}

/** Most bytes of one item's events in this world, and of its entry in the bulk's record. */
const ITEM_BYTES = 2_500;

/** Most bytes of a bulk's record if its faults are given by code alone: per item, and in addition. */
const RECORD_ITEM_BYTES = 32;
const RECORD_BYTES = 700;

/**
 * A bulk is refused as a whole only if it is too large for one append, or its record too large for an event; nothing of
 * it may then be recorded.
 */
function checkRefused(
  code: string,
  { mode, items }: SentBulk,
  known: KeyBook | undefined,
  { atomicItemsMax, batchBytesMax, eventBytesMax }: Required<Bounds>,
): void {
  mustHold(known?.event === undefined, "2 one answer", () => `a bulk is refused with ${code}, and has an answer`);
  const large = items.length > atomicItemsMax || (1 + items.length) * ITEM_BYTES > batchBytesMax;
  const record = RECORD_BYTES + items.length * RECORD_ITEM_BYTES > Math.min(eventBytesMax, batchBytesMax);
  const right = code === "bulk_too_large" && ((mode === "atomic" && large) || record);
  mustHold(right, "4 decisions", () => `a bulk of ${items.length} items is refused with ${code}`);
}

/** The fault itself or, if there is no room, only its code and its number of errors. */
function checkFault(item: Extract<BulkItem, { kind: "fault" }>, result: BulkItemAnswer): void {
  if (result.kind !== "fault") throw new Violation("4 decisions", "an item came to something, faulty as it is");
  const { code, errors, more = 0 } = result.fault;
  const { fault } = item;
  const told = `${code}, ${errors.length} + ${more}`;
  mustHold(code === fault.code, "2 one answer", () => `a fault ${fault.code} is told as ${told}`);
  mustHold(errors.length <= 8, "11 bounded answer", () => `an item lists ${errors.length} errors`);
  const all = errors.length + more === fault.errors.length + (fault.more ?? 0);
  mustHold(
    all,
    "2 one answer",
    () => `a fault of ${fault.errors.length} + ${fault.more ?? 0} errors is told as ${told}`,
  );
}

function checkCommand(
  known: KeyBook | undefined,
  item: Extract<BulkItem, { kind: "command" }>,
  result: BulkItemAnswer,
  record: LedgerEvent,
  inLog: InLog,
): void {
  if (result.kind !== "fault") {
    inLog(known, placeOf(result, record.shard));
    return;
  }
  const { code } = result.fault;
  if (code === "idempotency_key_reused") return;
  const event = known?.event;
  const before =
    event && event.revision < record.revision && known?.answers.every(({ text }) => text === textOf(item.command));
  mustHold(!before, "2 one answer", () => `${item.key} was answered at ${event?.revision}, and is ${code} in a bulk`);
}

/** An atomic bulk either applied everything, or nothing: it then states a reason, and any objects existed before. */
function checkAtomic(results: readonly BulkItemAnswer[], { revision }: LedgerEvent): void {
  const failed = results.filter(({ kind }) => kind !== "made");
  if (failed.length === 0) return;
  const reasons = failed.filter((result) => result.kind !== "fault" || result.fault.code !== "bulk_aborted");
  mustHold(reasons.length > 0, "4 decisions", () => `the bulk at ${revision} was aborted for nothing`);
}
