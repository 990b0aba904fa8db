import { expect } from "vitest";
import { decodeEvent, encodeEvent } from "../codec/codec.ts";
import type { Caller } from "../domain/caller.ts";
import type { ClientCommand, Command } from "../domain/commands.ts";
import { decide } from "../domain/decider/decide.ts";
import { declined } from "../domain/decider/declined.ts";
import type { Decision } from "../domain/decision.ts";
import type { Fact, FactType, LedgerEvent } from "../domain/events.ts";
import { evolve } from "../domain/evolve.ts";
import { idBody, makeId } from "../domain/ids.ts";
import { type Rejection, type RejectionCode, rejections } from "../domain/rejections.ts";
import type { Micros } from "../domain/time.ts";
import { operator, START } from "./examples.ts";
import { type MemoryState, memoryState } from "./memory-state.ts";

type FactOf<T extends FactType> = Extract<Fact, { readonly type: T }>;
type Expected<T extends FactType> = { readonly [K in keyof FactOf<T>]?: unknown };

/** One decision, to be checked once. */
export type GivenDecision = {
  /**
   * The command is accepted, and its answering fact has this type and at least these fields; its events become history.
   */
  thenAccepted<T extends FactType>(type: T, expected?: Expected<T>): LedgerEvent<FactOf<T>>;
  /** The command is refused with this code; a recorded refusal becomes history. */
  thenRefused(code: RejectionCode): Rejection;
  /** Any decision. The facts of an accepted command become history. */
  thenWhatever(): Decision;
};

/** A ledger with a history, to try decisions on. Every event goes through the codec before it is applied. */
export type GivenLedger = {
  readonly state: MemoryState;
  readonly events: readonly LedgerEvent[];
  now(): Micros;
  /** Sets the clock; history keeps its times. */
  at(now: Micros): GivenLedger;
  when(command: Command, caller?: Caller): GivenDecision;
  /** The decision on a command, without adding to history. */
  try(command: Command, caller?: Caller): Decision;
};

const SHARD = 0;
const SALT = 77;

/**
 * `given(facts).when(command).thenAccepted(type, fields)` or `.thenRefused(code)`; the decided facts are history for
 * the next `when`.
 */
export function given(...facts: readonly Fact[]): GivenLedger {
  const state = memoryState();
  const events: LedgerEvent[] = [];
  let now = START;

  function append(fact: Fact, caller: Caller): LedgerEvent {
    const revision = events.length;
    const id = makeId("evt", idBody(now, { shard: SHARD, revision }, SALT));
    const origin = { tenant: caller.tenant, sub: caller.sub, key: `key-${revision}`, print: null };
    const leaf = new Uint8Array(32);
    const event = decodeEvent({ ...encodeEvent({ origin, fact }), id, at: now, shard: SHARD, revision, leaf });
    expect(event.fact).toEqual(fact);
    evolve(state, event);
    events.push(event);
    return event;
  }

  function decided(command: Command, caller: Caller): Decision {
    const first = events.length;
    const mint = (index: number) => idBody(now, { shard: SHARD, revision: first + index }, SALT);
    return decide(state, command, { caller, now, shard: SHARD, mint });
  }

  function when(command: Command, caller = operator): GivenDecision {
    const decision = decided(command, caller);
    return {
      thenAccepted(type, expected = {}) {
        expect(decision, `${command.type} is accepted`).toMatchObject({ kind: "accepted" });
        return answerOf(decision, append, caller, type, expected);
      },
      thenRefused(code) {
        expect(decision).toMatchObject({ kind: "refused", rejection: { code } });
        return refusalOf(decision, (rejection) => {
          if (rejections[rejection.code].recorded && isClients(command)) append(declined(command, rejection), caller);
        });
      },
      thenWhatever() {
        if (decision.kind === "accepted") for (const fact of decision.facts) append(fact, caller);
        return decision;
      },
    };
  }

  for (const fact of facts) append(fact, operator);
  const ledger: GivenLedger = {
    state,
    events,
    now: () => now,
    at(instant) {
      now = instant;
      return ledger;
    },
    when,
    try: (command, caller = operator) => decided(command, caller),
  };
  return ledger;
}

function answerOf<T extends FactType>(
  decision: Decision,
  append: (fact: Fact, caller: Caller) => LedgerEvent,
  caller: Caller,
  type: T,
  expected: Expected<T>,
): LedgerEvent<FactOf<T>> {
  if (decision.kind === "refused") throw new Error(`refused: ${decision.rejection.code}`);
  const events = decision.facts.map((fact) => append(fact, caller));
  const answer = events.at(-1);
  expect(answer?.fact).toMatchObject({ type, ...expected });
  if (!isOf(answer, type)) throw new Error(`the answer is not a ${type}`);
  return answer;
}

function refusalOf(decision: Decision, record: (rejection: Rejection) => void): Rejection {
  if (decision.kind === "accepted") throw new Error("the command was accepted");
  record(decision.rejection);
  return decision.rejection;
}

function isOf<T extends FactType>(event: LedgerEvent | undefined, type: T): event is LedgerEvent<FactOf<T>> {
  return event?.fact.type === type;
}

function isClients(command: Command): command is ClientCommand {
  return command.type !== "ExpirePayment";
}
