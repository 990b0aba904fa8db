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
  readonly what:
    | { readonly kind: "command"; readonly sent: Sent; readonly command: ClientCommand }
    | { readonly kind: "bulk"; readonly mode: "each" | "atomic"; readonly items: readonly BulkItem[] };
  answered: boolean;
  attempts: number;
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

/** A bulk of a few commands of one operator, some of them faulty in form, each under a key of its own. */
export function bulkIntent(auditor: Auditor, random: Random, now: Micros, key: string): Intent {
  const mode = random.pick(["each", "atomic"] as const);
  const { tenant } = wish(random, auditor.books, now).caller;
  const caller: Caller = { tenant, role: "operator", sub: `op-${tenant}` };
  const command = () => {
    for (;;) {
      const wanted = wish(random, auditor.books, now);
      if (bulkable.has(wanted.command.type) && wanted.caller.tenant === tenant) return wanted.command;
    }
  };
  const items = Array.from(
    { length: random.between(1, 6) },
    (_, index): BulkItem =>
      random.chance(0.05) ? { kind: "fault", fault } : { kind: "command", key: `${key}.${index}`, command: command() },
  );
  const keys = items.flatMap((item) => (item.kind === "command" ? [item.key] : []));
  const atomicKeys = mode === "atomic" ? [...keys, key] : null;
  for (const item of items) {
    if (item.kind === "fault") continue;
    noteSent(auditor.keys, item.key, { caller, command: item.command, text: textOf(item.command), atomicKeys });
  }
  noteSent(auditor.keys, key, { caller, command: null, text: textOf(items), atomicKeys });
  return { name: key, key, caller, what: { kind: "bulk", mode, items }, answered: false, attempts: 0 };
}

/** What is asked for, for the story. */
export function intentText({ name, what }: Intent): string {
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
