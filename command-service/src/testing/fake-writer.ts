import {
  type Caller,
  type ClientCommand,
  decide,
  declined,
  evolve,
  type Fact,
  idBody,
  type LedgerError,
  type LedgerEvent,
  makeId,
  rejections,
} from "ledger-core";
import { examples, memoryState } from "ledger-core/testing";
import { itemAnswer } from "../writer/item-answer.ts";
import type { Answer, BulkAnswer, BulkItemAnswer, BulkSubmission, Submission, Writer } from "../writer-port.ts";

const SHARD = 0;

/** A writer without a log or keys: decides on a state in memory, and records what the routes pass to it. */
export type FakeWriter = Writer & {
  readonly submissions: Submission[];
  readonly bulks: BulkSubmission[];
  readonly events: LedgerEvent[];
  /** Replaces the next decisions. */
  override: ((submission: Submission) => Promise<Answer>) | undefined;
  /** The error that bulks fail with, if any. */
  failBulks: LedgerError | undefined;
};

/** Starts with the example accounts: Alice's and Bob's wallets, Sam's shop and a bank. */
export function fakeWriter(): FakeWriter {
  const state = memoryState();
  const events: LedgerEvent[] = [];

  function append(fact: Fact, caller: Caller, key: string | null): LedgerEvent {
    const revision = events.length;
    const id = makeId("evt", idBody(examples.START, { shard: SHARD, revision }, 1));
    const origin = { tenant: caller.tenant, sub: caller.sub, key, print: null };
    const event = { id, at: examples.START, shard: SHARD, revision, origin, fact };
    evolve(state, event);
    events.push(event);
    return event;
  }

  function decideOne(caller: Caller, key: string, command: ClientCommand): Answer {
    const mint = (index: number) => idBody(examples.START, { shard: SHARD, revision: events.length + index }, 1);
    const decision = decide(state, command, { caller, now: examples.START, shard: SHARD, mint });
    if (decision.kind === "accepted") {
      const made = decision.facts.map((fact) => append(fact, caller, key));
      const event = made.at(-1);
      if (event) return { kind: "recorded", event, replayed: false };
      throw new Error("a decision without a fact");
    }
    const { rejection } = decision;
    if (!rejections[rejection.code].recorded) return { kind: "refused", rejection };
    return { kind: "recorded", event: append(declined(command, rejection), caller, key), replayed: false };
  }

  async function submit(submission: Submission): Promise<Answer> {
    writer.submissions.push(submission);
    if (writer.override) return writer.override(submission);
    return decideOne(submission.caller, submission.key, submission.command);
  }

  async function submitBulk(bulk: BulkSubmission): Promise<BulkAnswer> {
    writer.bulks.push(bulk);
    if (writer.failBulks) throw writer.failBulks;
    const results = bulk.items.map((item): BulkItemAnswer => {
      if (item.kind === "fault") return item;
      const answer = decideOne(bulk.caller, item.key, item.command);
      if (answer.kind === "recorded") return itemAnswer(answer.event);
      return { kind: "fault", fault: { ...answer.rejection, errors: [] } };
    });
    return { kind: "recorded", results, replayed: false, position: { shard: SHARD, revision: events.length - 1 } };
  }

  const writer: FakeWriter = {
    submissions: [],
    bulks: [],
    events,
    override: undefined,
    failBulks: undefined,
    submit,
    submitBulk,
    dryRun: submit,
    dryRunBulk: submitBulk,
    readiness: () => ({ ready: true, detail: "serving" }),
    load: () => ({ queued: 0, queuedBytes: 0, epoch: 1 }),
    stop: async () => undefined,
  };
  for (const fact of examples.cast()) append(fact, examples.operator, null);
  return writer;
}
