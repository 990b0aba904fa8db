import type { Answer, BulkAnswer } from "command-service";
import { isLedgerError, LedgerError } from "ledger-core";
import { checkTried } from "../auditor/answers.ts";
import type { Auditor } from "../auditor/auditor.ts";
import { mustHold, Violation } from "../auditor/violation.ts";
import type { Owner } from "../scheduler.ts";
import type { WriterProcess } from "../write-side/writer-process.ts";
import { answerText, bulkText, type Intent, type Question, requestText } from "./intents.ts";

/** The end of a request. `answer` is a command's; undefined for a bulk. */
export type Settled =
  | { readonly kind: "answered"; readonly answer: Answer | undefined }
  | { readonly kind: "failed"; readonly error: unknown };

/** Passes requests to the writers, and every answer to the auditor before anybody else sees it. */
export type CommandDelivery = {
  /** Settles at once if no writer runs; otherwise when there is an answer, if ever. */
  deliver(intent: Intent, process: WriterProcess | undefined, settle: (outcome: Settled) => void): void;
  /** Sends a dry run under its own key, so that any trace of it in the log would be noticed. */
  ask(question: Question, process: WriterProcess | undefined): void;
  /** Commands that a running writer has accepted but not answered, dry runs included. */
  unanswered(): number;
  /** Checks that a writer that stopped in order left nothing unanswered. @throws Violation */
  checkStopped(owner: Owner): void;
  /** Checks the number of accepted and unanswered commands of each process against its limit. @throws Violation */
  checkQueues(): void;
};

type DeliveryOptions = {
  readonly auditor: Auditor;
  readonly note: (who: string, what: string) => void;
  /** Called with a violation in an answer, which ends the run. */
  readonly onViolation: (violation: unknown) => void;
};

/** Accepted but unanswered commands of one incarnation of a writer. */
type Load = { readonly process: WriterProcess; weight: number; largest: number };

type Loads = Map<Owner, Load>;

export function makeDelivery(options: DeliveryOptions): CommandDelivery {
  const loads: Loads = new Map();
  return {
    deliver: (intent, process, settle) => deliver(options, loads, intent, process, settle),
    ask: (question, process) => ask(options, loads, question, process),
    unanswered() {
      let sum = 0;
      for (const [owner, { weight }] of loads) if (owner.alive) sum += weight;
      return sum;
    },
    checkStopped(owner) {
      const left = loads.get(owner)?.weight ?? 0;
      mustHold(left === 0, "12 accepted is answered", () => `a writer stopped with ${left} commands unanswered`);
    },
    checkQueues() {
      for (const { process, weight, largest } of loads.values()) {
        const bound = Math.max(process.queueMax, largest);
        mustHold(weight <= bound, "11 bounded queue", () => `${process.name} has ${weight} commands, ${bound} at most`);
        const bytes = Math.max(process.queueBytesMax, largest * COMMAND_BYTES_MAX);
        mustHold(weight * COMMAND_BYTES_MIN <= bytes, "11 bounded queue", () => `${weight} commands in ${bytes} bytes`);
      }
    },
  };
}

function accept(loads: Loads, process: WriterProcess, weight: number): Load {
  const load = loads.get(process.owner) ?? { process, weight: 0, largest: 0 };
  loads.set(process.owner, load);
  load.weight += weight;
  load.largest = Math.max(load.largest, weight);
  return load;
}

function watch({ onViolation }: DeliveryOptions, check: () => void): void {
  try {
    check();
  } catch (violation) {
    onViolation(violation);
  }
}

function deliver(
  options: DeliveryOptions,
  loads: Loads,
  intent: Intent,
  process: WriterProcess | undefined,
  settle: (outcome: Settled) => void,
): void {
  const { auditor, note } = options;
  const writer = process?.writer;
  if (!process || !writer) {
    settle({ kind: "failed", error: new LedgerError("not_ready", "nothing serves", { retryable: true }) });
    return;
  }
  const { key, caller, what, name } = intent;
  const weight = weightOf(what);
  const load = accept(loads, process, weight);
  const keys = keysOf(intent);
  auditor.submitted(caller, keys);
  const head = auditor.events.length;
  note(process.name, `takes ${requestText(name, what)}`);
  const failed = (error: unknown) => {
    watch(options, () => checkFailure(error, process, what.kind, load.weight));
    const partlyApplied = isLedgerError(error) && error.partlyApplied;
    watch(options, () => auditor.failedForCertain(caller, keys, { partlyApplied, head }));
    load.weight -= weight;
    note(process.name, `fails ${name}: ${isLedgerError(error) ? error.code : error}`);
    settle({ kind: "failed", error });
  };
  const answered = (text: string, check: () => void, answer?: Answer) => {
    load.weight -= weight;
    note(process.name, `answers ${name}: ${text}`);
    watch(options, check);
    settle({ kind: "answered", answer });
  };
  if (what.kind === "command") {
    const inspect = (answer: Answer) =>
      answered(answerText(answer), () => auditor.answered(key, what.sent, answer), answer);
    writer.submit({ caller, key, command: what.command }).then(inspect, failed);
    return;
  }
  const inspect = (answer: BulkAnswer) =>
    answered(bulkText(answer), () => auditor.answeredBulk(key, caller, what, answer));
  writer.submitBulk({ caller, key, mode: what.mode, items: what.items, print: key }).then(inspect, failed);
}

function ask(options: DeliveryOptions, loads: Loads, question: Question, process: WriterProcess | undefined): void {
  const writer = process?.writer;
  if (!process || !writer) return;
  const { caller, key, what } = question;
  const weight = weightOf(what);
  const load = accept(loads, process, weight);
  options.note(process.name, `tries ${requestText(key, what)}`);
  const answer =
    what.kind === "command"
      ? writer.dryRun({ caller, key, command: what.command })
      : writer
          .dryRunBulk({ caller, key, mode: what.mode, items: what.items, print: key })
          .then((answered) => watch(options, () => checkTried(what.mode, what.items, answered)));
  const done = () => {
    load.weight -= weight;
  };
  answer.then(done, (error: unknown) => {
    watch(options, () => checkFailure(error, process, what.kind, load.weight));
    done();
  });
}

/** The least and most bytes that a command of this world, or a malformed item, takes in a queue. */
const COMMAND_BYTES_MIN = 400;
const COMMAND_BYTES_MAX = 4_000;

function weightOf(what: Question["what"]): number {
  return what.kind === "bulk" ? what.items.length : 1;
}

function keysOf({ key, what }: Intent): readonly string[] {
  if (what.kind === "command") return [key];
  return [key, ...what.items.flatMap((item) => (item.kind === "command" ? [item.key] : []))];
}

/** A failure must be one that the port declares, for its declared reason. */
function checkFailure(error: unknown, process: WriterProcess, kind: Question["what"]["kind"], weight: number): void {
  if (isLedgerError(error, "not_ready") || isLedgerError(error, "log_unavailable")) return;
  if (!isLedgerError(error, "overloaded")) {
    throw new Violation("19 declared failures", error instanceof Error ? `${error.stack}` : String(error));
  }
  const share = kind === "bulk" ? process.bulkShare : 1;
  const full = weight > process.queueMax * share || weight * COMMAND_BYTES_MAX > process.queueBytesMax * share;
  mustHold(full, "11 bounded queue", () => `overloaded with ${weight} commands`);
}
