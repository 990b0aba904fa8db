import type { Answer, BulkAnswer, BulkItem, ItemFault } from "command-service";
import type { Caller, ClientCommand, Micros } from "ledger-core";
import type { Auditor } from "../auditor/auditor.ts";
import { noteSent, type SentRequest, textOf } from "../auditor/requests.ts";
import type { Random } from "../random.ts";
import { wish } from "./commands.ts";

/** Something a client wants done exactly once, however often it must ask. */
export type Intent = {
  readonly name: string;
  readonly key: string;
  readonly caller: Caller;
  readonly what: { readonly kind: "command"; readonly sent: SentRequest; readonly command: ClientCommand } | Bulk;
  answered: boolean;
  attempts: number;
};

type Bulk = {
  readonly kind: "bulk";
  readonly mode: "each" | "atomic";
  readonly items: readonly BulkItem[];
};

/** A dry run. */
export type Question = {
  readonly caller: Caller;
  readonly key: string;
  readonly what: { readonly kind: "command"; readonly command: ClientCommand } | Bulk;
};

/** A malformed item; sometimes with as many errors and as long pointers as possible. */
function faultOf(random: Random): ItemFault {
  const detail = "The body does not fit this route.";
  if (random.chance(0.5))
    return { code: "invalid_request", detail, errors: [{ pointer: "/amount", detail: "is required" }] };
  const name = "x".repeat(random.pick([1, 60]));
  const errors = Array.from({ length: random.between(2, 8) }, () => {
    return { pointer: `/legs/${random.below(100)}/${name}${random.below(1000)}`, detail: "is not a known field" };
  });
  return errors.length < 8
    ? { code: "invalid_request", detail, errors }
    : { code: "amount_invalid", detail, errors, more: 292 };
}

/** Most bulks have a few items; some have many, most of them faulty. */
const LARGE_SHARE = 0.2;
const LARGE_ITEMS_MAX = 40;

const bulkable = new Set(["MakePayment", "PostTransfer", "TopUpAccount", "PayOut"]);

/** Makes a command under a key, and reports it to the auditor before it is sent. */
export function commandIntent(
  auditor: Auditor,
  caller: Caller,
  command: ClientCommand,
  key: string,
  name = key,
): Intent {
  const sent: SentRequest = { caller, command, text: textOf(command), atomicKeys: null };
  noteSent(auditor.keys, key, sent);
  return { name, key, caller, what: { kind: "command", sent, command }, answered: false, attempts: 0 };
}

/** Shape of a bulk: the number of items, and the shares of items with a duplicate key and of malformed items. */
export type BulkShape = { readonly length: number; readonly duplicates: number; readonly faults: number };

/**
 * Makes a bulk of one operator's commands, and reports it to the auditor before it is sent. Without a shape, usually
 * small.
 */
export function bulkIntent(
  auditor: Auditor,
  random: Random,
  now: Micros,
  key: string,
  earlier: readonly Intent[],
  shape?: BulkShape,
): Intent {
  const { caller, what } = bulkQuestion(auditor, random, now, key, earlier, shape);
  const { items, mode } = what;
  const keys = items.flatMap((item) => (item.kind === "command" ? [item.key] : []));
  const atomicKeys = mode === "atomic" ? [...keys, key] : null;
  for (const item of items) {
    if (item.kind === "fault") continue;
    noteSent(auditor.keys, item.key, { caller, command: item.command, text: textOf(item.command), atomicKeys });
  }
  noteSent(auditor.keys, key, { caller, command: null, text: textOf(items), atomicKeys });
  return { name: key, key, caller, what, answered: false, attempts: 0 };
}

/**
 * Makes such a bulk as a dry run. It may repeat requests sent `earlier`; some items are malformed, some have the key of
 * a previous item, with the same command or another.
 */
export function bulkQuestion(
  auditor: Auditor,
  random: Random,
  now: Micros,
  key: string,
  earlier: readonly Intent[],
  shape: BulkShape = usualShape(random),
): Question & { readonly what: Bulk } {
  const mode = random.pick(["each", "atomic"] as const);
  const { tenant } = wish(random, auditor.books, now).caller;
  const caller: Caller = { tenant, role: "operator", sub: `op-${tenant}` };
  const command = () => {
    for (;;) {
      const wanted = wish(random, auditor.books, now);
      if (bulkable.has(wanted.command.type) && wanted.caller.tenant === tenant) return wanted.command;
    }
  };
  // Some items were sent before by themselves; the bulk must repeat their answers.
  const sent = earlier.filter(
    (intent) =>
      intent.what.kind === "command" && bulkable.has(intent.what.command.type) && intent.caller.sub === caller.sub,
  );
  const items: BulkItem[] = [];
  while (items.length < shape.length) {
    const before = items.length > 0 && random.chance(shape.duplicates) ? random.pick(items) : undefined;
    const old = sent.length > 0 && random.chance(0.08) ? random.pick(sent) : undefined;
    if (random.chance(shape.faults)) items.push({ kind: "fault", fault: faultOf(random) });
    else if (old?.what.kind === "command" && !items.some((item) => item.kind === "command" && item.key === old.key))
      items.push({ kind: "command", key: old.key, command: old.what.command });
    else if (before?.kind !== "command")
      items.push({ kind: "command", key: `${key}.${items.length}`, command: command() });
    else items.push(random.chance(0.5) ? before : { ...before, command: command() });
  }
  return { caller, key, what: { kind: "bulk", mode, items } };
}

function usualShape(random: Random): BulkShape {
  const large = random.chance(LARGE_SHARE);
  const length = random.between(1, large ? LARGE_ITEMS_MAX : 6);
  return { length, duplicates: 0.05, faults: large ? random.pick([0.5, 1]) : 0.05 };
}

/** A request as text for the story. */
export function requestText(name: string, what: Question["what"]): string {
  if (what.kind === "bulk") return `${name} bulk ${what.mode} of ${what.items.length}`;
  const { command } = what;
  const amount = "amount" in command ? ` ${command.amount ?? "all"}` : "";
  return `${name} ${command.type}${amount}`;
}

export function answerText(answer: Answer): string {
  if (answer.kind === "refused") return answer.rejection.code;
  const { fact, revision } = answer.event;
  const code = "code" in fact ? ` ${fact.code}` : "";
  return `${fact.type}${code} at ${revision}${answer.replayed ? ", again" : ""}`;
}

export function bulkText(answer: BulkAnswer): string {
  if (answer.kind !== "recorded") return answer.kind === "refused" ? answer.rejection.code : answer.kind;
  const results = answer.results.map((result) =>
    result.kind === "fault" ? result.fault.code : (result.kind === "made" ? result : result.event).revision,
  );
  return `${results.join(" ")}${answer.replayed ? ", again" : ""}`;
}
