import type { Answer, BulkAnswer, BulkItem, ItemFault } from "command-service";
import type { Caller, ClientCommand, Micros } from "ledger-core";
import type { Auditor } from "./auditor/auditor.ts";
import { noteSent, type Sent, textOf } from "./auditor/requests.ts";
import { wish } from "./commands.ts";
import type { Random } from "./random.ts";

/** Something that a client wants done once, however often it must ask. */
export type Intent = {
  readonly name: string;
  readonly key: string;
  readonly caller: Caller;
  readonly what: { readonly kind: "command"; readonly sent: Sent; readonly command: ClientCommand } | Bulk;
  answered: boolean;
  attempts: number;
};

export type Bulk = {
  readonly kind: "bulk";
  readonly mode: "each" | "atomic";
  readonly items: readonly BulkItem[];
};

/** Something of which a client asks what would happen. */
export type Question = {
  readonly caller: Caller;
  readonly key: string;
  readonly what: { readonly kind: "command"; readonly command: ClientCommand } | Bulk;
};

const fault: ItemFault = { code: "invalid_request", detail: "An amount is missing.", errors: [] };
const bulkable = new Set(["MakePayment", "PostTransfer", "TopUpAccount", "PayOut"]);

/** A command under a key, told to the auditor before it is sent. */
export function commandIntent(
  auditor: Auditor,
  caller: Caller,
  command: ClientCommand,
  key: string,
  name = key,
): Intent {
  const sent: Sent = { caller, command, text: textOf(command), atomicKeys: null };
  noteSent(auditor.keys, key, sent);
  return { name, key, caller, what: { kind: "command", sent, command }, answered: false, attempts: 0 };
}

/** A bulk of a few commands of one operator, told to the auditor before it is sent. */
export function bulkIntent(auditor: Auditor, random: Random, now: Micros, key: string): Intent {
  const { caller, what } = bulkQuestion(auditor, random, now, key);
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

/** Such a bulk as a question: some items are faulty in form, some bear the key of one before them, with the same command or another. */
export function bulkQuestion(
  auditor: Auditor,
  random: Random,
  now: Micros,
  key: string,
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
  const items: BulkItem[] = [];
  for (let length = random.between(1, 6); items.length < length; ) {
    const before = items.length > 0 && random.chance(0.05) ? random.pick(items) : undefined;
    if (random.chance(0.05)) items.push({ kind: "fault", fault });
    else if (before?.kind !== "command")
      items.push({ kind: "command", key: `${key}.${items.length}`, command: command() });
    else items.push(random.chance(0.5) ? before : { ...before, command: command() });
  }
  return { caller, key, what: { kind: "bulk", mode, items } };
}

/** What is asked for, for the story. */
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
  if (answer.kind === "refused") return answer.rejection.code;
  const results = answer.results.map((result) =>
    result.kind === "fault" ? result.fault.code : (result.kind === "made" ? result : result.event).revision,
  );
  return `${results.join(" ")}${answer.replayed ? ", again" : ""}`;
}
