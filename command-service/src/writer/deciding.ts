import {
  type AccountId,
  type AccountState,
  type Caller,
  type Currency,
  type DecisionContext,
  type LedgerEvent,
  type LedgerState,
  type Payment,
  type PaymentId,
  readId,
  type Shard,
} from "ledger-core";
import type { DecisionState } from "../state/decision-state.ts";
import { type DecidedBatch, eventOf, type Incarnation } from "./decided-batch.ts";
import { type KeyCheck, type KeyMatch, matchKey } from "./key-check.ts";
import type { WriterSeams } from "./writer-seams.ts";

/** Limits of a bulk, besides those of its batch. */
export type BulkLimits = {
  readonly atomicItemsMax: number;
  readonly answerBytesMax: number;
};

/** Everything a decision needs, all of it in memory: deciding never waits. */
export type Deciding = {
  readonly decide: WriterSeams["decide"];
  readonly state: DecisionState;
  readonly view: DecidingView;
  readonly by: Incarnation;
  /** Receives new events; a dry run has its own. */
  readonly batch: DecidedBatch;
  /** Holds the commands decided earlier in this batch. */
  readonly decided: DecidedBatch;
  readonly bulkLimits: BulkLimits;
  context: DecisionContext | undefined;
};

/** The ledger as a decision sees it: the state, the payments loaded for the batch, and those in its own events. */
export class DecidingView implements LedgerState {
  readonly #state: DecisionState;
  readonly #loaded: ReadonlyMap<PaymentId, Payment>;
  readonly #batch: DecidedBatch;
  readonly #shard: Shard;

  constructor(state: DecisionState, loaded: ReadonlyMap<PaymentId, Payment>, batch: DecidedBatch, shard: Shard) {
    this.#state = state;
    this.#loaded = loaded;
    this.#batch = batch;
    this.#shard = shard;
  }

  account(id: AccountId): AccountState | undefined {
    return this.#state.account(id);
  }

  /** Asks the state first: a command of the same batch may have changed the payment since it was loaded. */
  payment(id: PaymentId): Payment | undefined {
    return this.#state.payment(id) ?? this.#loaded.get(id) ?? this.#madeInBatch(id);
  }

  clearing(tenant: string, rail: string, currency: Currency): AccountId | undefined {
    return this.#state.clearing(tenant, rail, currency);
  }

  /** The state does not keep payments captured at once; their event does. */
  #madeInBatch(id: PaymentId): Payment | undefined {
    const { shard, revision } = readId(id);
    const event = shard === this.#shard ? eventOf(this.#batch, shard, revision) : undefined;
    return event && paymentIn(event, id);
  }
}

/** The payment with this id, as of an event. */
export function paymentIn({ fact }: LedgerEvent, id: PaymentId): Payment | undefined {
  if (!("payment" in fact) || typeof fact.payment === "string") return undefined;
  return fact.payment.id === id ? fact.payment : undefined;
}

/** Makes the answer to a repeated key from its answering event. */
export type Tell<Known> = (match: KeyMatch, event: LedgerEvent) => Known;

/** The earlier answer to a key, from the load or from this batch; undefined if the key is new. */
export function answerBefore<Known>(
  { state, decided, by }: Deciding,
  caller: Caller,
  check: KeyCheck<Known>,
  tell: Tell<Known>,
): Known | undefined {
  if (check.known !== undefined) return check.known;
  const revisions = state.findKeySince(decided.after, check, caller.tenant, caller.sub, check.key);
  for (let n = 0; n < revisions.length; n++) {
    // A dry run keeps its own keys: no other job sees its events.
    const event = eventOf(decided, by.shard, revisions[n] ?? -1);
    const match = event && matchKey(caller, check, event);
    if (match) return tell(match, event);
  }
  return undefined;
}
