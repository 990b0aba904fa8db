import {
  type Caller,
  type Decision,
  type DecisionContext,
  declined,
  type Fact,
  type Origin,
  reject,
  rejections,
} from "ledger-core";
import { IN_EVENT, isKeptWhole } from "../fingerprint.ts";
import type { Answer } from "../writer-port.ts";
import { addFacts, minter, originOf } from "./decided-batch.ts";
import { answerBefore, type Deciding, type Tell } from "./deciding.ts";
import type { Item, OwnItem } from "./jobs.ts";
import { keyReused, requestPrint } from "./key-check.ts";

/** Decides a single command, or repeats its earlier answer. `full`: its events need another batch. */
export function decideSingle(on: Deciding, caller: Caller, item: Item<Answer> | OwnItem): Answer | "full" {
  const before = item.check && answerBefore(on, caller, item.check, answerAgain);
  return before ?? decideCommand(on, caller, item);
}

export const answerAgain: Tell<Answer> = (match, event) =>
  match === "same" ? { kind: "recorded", event, replayed: true } : { kind: "refused", rejection: keyReused };

/** Decides a command under a new key, and adds its events to the batch. */
export function decideCommand(on: Deciding, caller: Caller, item: Item<unknown> | OwnItem): Answer | "full" {
  const { state, batch, by } = on;
  const decision = on.decide(on.view, item.command, contextOf(on, caller));
  if (decision.kind === "refused" && !(item.check && rejections[decision.rejection.code].recorded)) {
    return { kind: "refused", rejection: decision.rejection };
  }
  const facts =
    item.check && decision.kind === "refused" ? [declined(item.command, decision.rejection)] : factsOf(decision);
  const event = addFacts(batch, state, by, facts, originOfItem(on, caller, item, facts));
  if (event === "full") return event;
  if (event === "too_large") return { kind: "refused", rejection: tooLargeForAnEvent };
  return { kind: "recorded", event, replayed: false };
}

/** Reused for consecutive items of one caller; its ids follow the state's revision. */
function contextOf(on: Deciding, caller: Caller): DecisionContext {
  if (on.context?.caller !== caller)
    on.context = { caller, now: on.batch.now, shard: on.by.shard, mint: minter(on.batch, on.state, on.by) };
  return on.context;
}

function factsOf(decision: Decision): readonly Fact[] {
  return decision.kind === "accepted" ? decision.facts : [];
}

/** A command of the ledger itself belongs to its payment's tenant and has no key. */
function originOfItem(on: Deciding, caller: Caller, item: Item<unknown> | OwnItem, facts: readonly Fact[]): Origin {
  if (item.check) {
    const inEvent = isKeptWhole(item.command) && facts[0]?.type === "PaymentCharged";
    return originOf(caller, item.check.key, inEvent ? IN_EVENT : requestPrint(item.check));
  }
  return originOf({ tenant: on.view.payment(item.command.payment)?.tenant ?? "", sub: caller.sub }, null, null);
}

const tooLargeForAnEvent = reject(
  "invalid_request",
  "The event of this command would be larger than the log takes; send shorter texts or fewer legs.",
);
