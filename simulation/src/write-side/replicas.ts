import { LedgerError, type Revision } from "ledger-core";
import { bytesOf, type NewEvent, type StoredEvent } from "ledger-core/event-log";
import type { Faults } from "../faults.ts";
import type { Random } from "../random.ts";
import type { Owner, Scheduler } from "../scheduler.ts";

/**
 * One append on its way: `done` is told what became of it, once; a crash of the store may keep it from being told at
 * all.
 */
export type Append = {
  readonly from: string;
  readonly expected: Revision;
  readonly events: readonly NewEvent[];
  done(outcome: Revision | LedgerError): void;
};

export type ReplicasOptions = {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly faults: Faults;
  /** Called when a batch has become durable, before anybody else can see it. */
  readonly onAppended: (batch: readonly StoredEvent[], append: Append) => void;
  readonly note: (what: string) => void;
  /** Whether a crash leaves what was answered. Always, but for a planted bug. */
  readonly syncsBeforeAnswering?: boolean;
  /** Whether only what another node has too is answered. Always, but for a planted bug. */
  readonly awaitsReplicas?: boolean;
};

/** What the leader has written, and what of it another node has too. */
export type Replicas = {
  /** Everything that the leader has, in order. */
  readonly written: readonly StoredEvent[];
  /** What no crash can lose. */
  readonly durable: readonly StoredEvent[];
  /** Writes the first events of an append and answers it when they are durable. `leader`: none while it starts. */
  write(append: Append, count: number, leader: Owner | undefined): void;
  /** Answers an append whose events are there, up to this revision, as soon as they are durable; never before. */
  repeated(last: Revision, append: Append): void;
  /** The other nodes catch up. */
  replicate(): void;
  /** The leader dies. What only it had may be lost with it, and nobody is told. */
  crash(): void;
};

/** An append that only the leader has, and those who wait for it. */
type Ahead = { readonly append: Append; readonly batch: readonly StoredEvent[]; readonly told: (() => void)[] };

const noLeaf = new Uint8Array(32);

/** @param onDurable told of each append as it becomes durable, after the auditor */
export function makeReplicas(options: ReplicasOptions, onDurable: (count: number, append: Append) => void): Replicas {
  const { scheduler, random, faults, note, onAppended, awaitsReplicas = true } = options;
  const written: StoredEvent[] = [];
  const durable: StoredEvent[] = [];
  const ahead: Ahead[] = [];
  let stalled = false;

  function replicate(): void {
    stalled = false;
    for (const { append, batch, told } of ahead.splice(0)) {
      durable.push(...batch);
      onAppended(batch, append);
      onDurable(batch.length, append);
      for (const tell of told) tell();
    }
  }

  /** Unless a replica has it in time, the answer is that of a timeout; the append stays written all the same. */
  function answerInTime(append: Append, last: Revision, leader: Owner): () => void {
    let answered = false;
    const answer = (outcome: Revision | LedgerError) => {
      if (!answered) append.done(outcome);
      answered = true;
    };
    const timeout = new LedgerError("outcome_unknown", "timeout of the commit", { retryable: true });
    scheduler.after(random.between(1_000, 20_000), leader, () => answer(timeout));
    return () => answer(last);
  }

  function stall(leader: Owner): void {
    note("is not replicated");
    stalled = true;
    scheduler.after(random.between(1_000, 60_000), leader, () => {
      note("is replicated again");
      replicate();
    });
  }

  return {
    written,
    durable,
    write(append, count, leader) {
      const first = written.length;
      const batch = append.events
        .slice(0, count)
        .map((event, index) => ({ ...event, data: bytesOf(event), shard: 0, revision: first + index, leaf: noLeaf }));
      written.push(...batch);
      const last = written.length - 1;
      if (leader && !stalled && faults.strikes("slow_replication", 0.03)) stall(leader);
      const waits = leader && stalled && awaitsReplicas;
      ahead.push({ append, batch, told: waits ? [answerInTime(append, last, leader)] : [] });
      if (!stalled) replicate();
      if (leader && !waits) append.done(last);
    },
    repeated(last, append) {
      const waitsFor = ahead.find(({ batch }) => (batch.at(-1)?.revision ?? 0) >= last);
      if (waitsFor && awaitsReplicas) waitsFor.told.push(() => append.done(last));
      else append.done(last);
    },
    replicate,
    crash() {
      stalled = false;
      const lost = faults.strikes("lost_leader", 0.5);
      if (lost && ahead.length > 0) note(`loses ${written.length - durable.length} events that no other node has`);
      for (const { told } of ahead) told.length = 0;
      if (lost) ahead.length = 0;
      if (options.syncsBeforeAnswering === false && ahead.length === 0) durable.pop();
      if (ahead.length === 0) written.length = durable.length;
    },
  };
}
