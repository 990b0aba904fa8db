import type { BulkFault, BulkOutcome, Revision } from "ledger-core";
import { FaultTable } from "ledger-core";
import type { BulkItemAnswer } from "../writer-port.ts";

type OutcomeLimits = {
  /** Bytes of the record, without its origin. */
  readonly recordBytesMax: number;
  /** Bytes of the whole answer. */
  readonly answerBytesMax: number;
};

/** The most bytes that an item needs in a record in its shortest form: its own run, and a fault without errors. */
const RECORD_ITEM_BYTES = 30;
/** Bytes of a record besides its items: header, names, and the texts of a dozen codes. */
const RECORD_BYTES = 640;
/** The most bytes that an item needs in an answer, besides the errors that it lists. */
const ANSWER_ITEM_BYTES = 512;

/** Whether a record has room for this many items, whatever their results. */
export function fitsRecord(items: number, { recordBytesMax }: OutcomeLimits): boolean {
  return RECORD_BYTES + items * RECORD_ITEM_BYTES <= recordBytesMax;
}

/**
 * Encodes a bulk's results for its record and its answer: runs of consecutive answering events, and each fault once.
 * If the faults take too much room, later items keep only code, detail and the number of errors, and at last the code
 * alone. So the record of 10,000 items always fits into one event, and the answer is bounded.
 */
export function keepOutcomes(results: readonly BulkItemAnswer[], limits: OutcomeLimits) {
  const table = new FaultTable();
  const faults: KeptFault[] = [];
  const seen = new Map<BulkFault, KeptFault>();
  const briefs = new Map<BulkFault, readonly BulkFault[]>();
  const outcomes: BulkOutcome[] = [];
  let runBytes = RECORD_BYTES;
  let answerBytes = 0;
  let left = results.length;

  /** Keeps the fullest form of a fault that still leaves room for the shortest form of all remaining items. */
  function keep(fault: BulkFault): KeptFault {
    const record = limits.recordBytesMax - runBytes - table.bytes - left * RECORD_ITEM_BYTES;
    const answer = limits.answerBytesMax - answerBytes - left * ANSWER_ITEM_BYTES;
    const brief = briefs.get(fault) ?? [fault, withoutErrors(fault), codeAlone(fault)];
    briefs.set(fault, brief);
    for (const way of brief) {
      const known = seen.get(way);
      if (known ? known.answerBytes <= answer : answerBytesOf(way) <= answer) {
        const kept = known ?? add(way, record);
        if (kept) return kept;
      }
    }
    return add(codeAlone(fault), Number.POSITIVE_INFINITY) ?? unreachable();
  }

  function add(fault: BulkFault, room: number): KeptFault | undefined {
    const index = table.add(fault, room - RUN_BYTES);
    if (index === undefined) return undefined;
    const kept = faults[index] ?? { index, answer: { kind: "fault", fault }, answerBytes: answerBytesOf(fault) };
    faults[index] = kept;
    seen.set(fault, kept);
    return kept;
  }

  const told = results.map((result): BulkItemAnswer => {
    left--;
    if (result.kind !== "fault") {
      answerBytes += ANSWER_ITEM_BYTES;
      runBytes += addRun(outcomes, result.kind === "made" ? result.revision : result.event.revision);
      return result;
    }
    const kept = keep(result.fault);
    answerBytes += kept.answerBytes;
    runBytes += addFault(outcomes, kept.index);
    return kept.answer;
  });
  return { results: told, outcomes, faults: faults.map(({ answer }) => answer.fault) };
}

type KeptFault = {
  readonly index: number;
  readonly answer: Extract<BulkItemAnswer, { kind: "fault" }>;
  readonly answerBytes: number;
};

/** Bytes of a new run: up to 13 digits of a revision, 5 of a count, two commas. */
const RUN_BYTES = 20;

/** Returns the bytes added. */
function addRun(outcomes: BulkOutcome[], revision: Revision): number {
  const last = outcomes.at(-1);
  if (last && "first" in last && last.first + last.count === revision) {
    outcomes[outcomes.length - 1] = { first: last.first, count: last.count + 1 };
    return 0;
  }
  outcomes.push({ first: revision, count: 1 });
  return RUN_BYTES;
}

function addFault(outcomes: BulkOutcome[], index: number): number {
  const last = outcomes.at(-1);
  if (last && "fault" in last && last.fault === index) {
    outcomes[outcomes.length - 1] = { fault: index, count: last.count + 1 };
    return 0;
  }
  outcomes.push({ fault: index, count: 1 });
  return FAULT_RUN_BYTES;
}

const FAULT_RUN_BYTES = 9;

function withoutErrors({ code, detail, errors, more = 0 }: BulkFault): BulkFault {
  return brief(code, detail, errors.length + more);
}

function codeAlone({ code, errors, more = 0 }: BulkFault): BulkFault {
  return brief(code, "This item failed; the bulk has too many faults to describe each of them.", errors.length + more);
}

function brief(code: string, detail: string, count: number): BulkFault {
  return count === 0 ? { code, detail, errors: [] } : { code, detail, errors: [], more: count };
}

function answerBytesOf({ errors }: BulkFault): number {
  let bytes = ANSWER_ITEM_BYTES;
  for (const { pointer, detail } of errors) bytes += Buffer.byteLength(pointer) + detail.length + 28;
  return bytes;
}

function unreachable(): never {
  throw new Error("a fault finds no place in a table without a bound");
}
