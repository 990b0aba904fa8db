import type { Knex } from "knex";
import { LedgerError, type Position } from "ledger-core";
import { systemRuntime } from "ledger-core/process";
import { isMissingTable, isServerAway } from "ledger-core/sql";
import { reached } from "./positions.ts";

/** One of several stores with the same data, each as far as it has come. */
export type Replica = { readonly name: string; readonly db: () => Knex };

/** A read of one replica; `note` tells the positions that it was found at, whether or not they are enough. */
type ReplicaRead<Result> = (db: Knex, note: (positions: readonly Position[]) => void) => Promise<Result | undefined>;

type PositionsRead = (db: Knex) => Promise<readonly Position[]>;

export type ReplicaSet = {
  /**
   * Runs a read on one replica after another, those first that were last seen far enough, until one has a result.
   * Undefined: each that could be reached is behind.
   * @throws what the read throws; LedgerError or the driver's error if no replica can be reached
   */
  read<Result>(required: readonly Position[], work: ReplicaRead<Result>): Promise<Result | undefined>;
  /** For each shard, the position of the replica that is furthest. @throws if no replica can be reached */
  positions(read: PositionsRead): Promise<readonly Position[]>;
  /** Whether each could be reached when it was last read. */
  states(): readonly { readonly name: string; readonly away: boolean }[];
};

/** `polledMs`: when its positions were last polled, rather than noted by a read. */
type Seen = {
  readonly replica: Replica;
  positions: readonly Position[];
  polledMs: number;
  away: boolean;
  asked: boolean;
};

/** Each field states its default. */
type ReplicaTuning = {
  /** How long a poll waits for one replica while others answer, in ms. 10 to 60,000. Default 1000. */
  readonly patienceMs?: number;
  /**
   * How long after a poll found a replica behind a read counts it as behind without asking it, in ms: while many wait
   * for a position, one poll tells all of them, instead of a transaction each. 0 to 1000. Default 20.
   */
  readonly polledForMs?: number;
  readonly elapsedMs?: () => number;
};

/** Reads from replicas in turn. One that is away is left out until a poll of its position succeeds, unless all are. */
export function createReplicaSet(replicas: readonly Replica[], tuning: ReplicaTuning = {}): ReplicaSet {
  return new ReplicasInTurn(replicas, tuning);
}

class ReplicasInTurn implements ReplicaSet {
  readonly #all: readonly Seen[];
  readonly #tuning: Required<ReplicaTuning>;
  #turn = 0;

  constructor(replicas: readonly Replica[], tuning: ReplicaTuning) {
    this.#tuning = { patienceMs: 1000, polledForMs: 20, elapsedMs: systemRuntime.elapsedMs, ...tuning };
    const polledMs = Number.NEGATIVE_INFINITY;
    this.#all = replicas.map((replica) => ({ replica, positions: [], polledMs, away: false, asked: false }));
  }

  async read<Result>(required: readonly Position[], work: ReplicaRead<Result>): Promise<Result | undefined> {
    let fault: unknown;
    let behind = false;
    for (const seen of this.#inOrder(required)) {
      if (this.#polledBehind(seen, required)) {
        behind = true;
        continue;
      }
      try {
        const result = await work(seen.replica.db(), (positions) => (seen.positions = positions));
        if (result !== undefined) return result;
        behind = true;
      } catch (error) {
        const isAway = isServerAway(error);
        if (!isAway && !isMissingTable(error)) throw error;
        seen.away ||= isAway && this.#all.length > 1;
        fault = error;
      }
    }
    if (behind) return undefined;
    throw fault;
  }

  async positions(read: PositionsRead): Promise<readonly Position[]> {
    const [only] = this.#all;
    if (only && this.#all.length === 1) return this.#ask(only, read);
    // One that is away is asked as well, for its return; nobody waits for it while another is there.
    const present = this.#all.filter((seen) => !seen.away);
    const gone = this.#all.filter((seen) => seen.away && !seen.asked);
    if (present.length > 0) for (const seen of gone) void this.#ask(seen, read).catch(() => undefined);
    const waited = present.length > 0 ? present : gone;
    const answers = await Promise.allSettled(waited.map((seen) => this.#askInTime(seen, read)));
    const found = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
    if (found.length > 0) return furthest(found.flat());
    const failed = answers.find((answer) => answer.status === "rejected");
    throw failed?.reason ?? away("no replica answers");
  }

  states() {
    return this.#all.map(({ replica, away: isAway }) => ({ name: replica.name, away: isAway }));
  }

  #polledBehind({ positions, polledMs }: Seen, required: readonly Position[]): boolean {
    const { polledForMs, elapsedMs } = this.#tuning;
    return required.length > 0 && elapsedMs() - polledMs < polledForMs && !reached(positions, required);
  }

  #inOrder(required: readonly Position[]): readonly Seen[] {
    const present = this.#all.filter((seen) => !seen.away);
    const usable = present.length > 0 ? present : this.#all;
    const first = this.#turn++ % usable.length;
    const rotated = [...usable.slice(first), ...usable.slice(0, first)];
    if (rotated.length === 1) return rotated;
    const far = rotated.filter(({ positions }) => positions.length === 0 || reached(positions, required));
    return [...far, ...rotated.filter((seen) => !far.includes(seen))];
  }

  async #ask(seen: Seen, read: PositionsRead): Promise<readonly Position[]> {
    seen.asked = true;
    try {
      seen.positions = await read(seen.replica.db());
      seen.polledMs = this.#tuning.elapsedMs();
      seen.away = false;
      return seen.positions;
    } catch (error) {
      if (isServerAway(error)) seen.away = true;
      throw error;
    } finally {
      seen.asked = false;
    }
  }

  async #askInTime(seen: Seen, read: PositionsRead): Promise<readonly Position[]> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      seen.away = true;
      late.reject(away(`${seen.replica.name} does not answer`));
    }, this.#tuning.patienceMs);
    try {
      return await Promise.race([this.#ask(seen, read), late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function furthest(positions: readonly Position[]): readonly Position[] {
  const best = new Map<number, Position>();
  for (const position of positions)
    if (position.revision > (best.get(position.shard)?.revision ?? -1)) best.set(position.shard, position);
  return [...best.values()].sort((a, b) => a.shard - b.shard);
}

function away(message: string): LedgerError {
  return new LedgerError("store_unavailable", `read models: ${message}`, { retryable: true });
}
