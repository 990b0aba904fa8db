import { NO_REVISION, type Revision, type Shard } from "ledger-core";
import { positionOf } from "ledger-core/sql";

/** Numbers whose rows are in the build under write. Rows are never deleted, so that none needs a second look-up. */
export type SeenRows = {
  has(number: number): boolean;
  /** Call it for what this transaction has inserted or found. */
  add(number: number): void;
};

/** Knows nothing. */
export const noSeenRows: SeenRows = { has: () => false, add: () => undefined };

type RowMemory = {
  /** Begins a transaction. Until `end`, the memory counts as lost: a transaction that fails may leave rows in it. */
  begin(shard: Shard): TransactionRows;
};

type TransactionRows = {
  /** The rows seen in the build with this suffix, once its checkpoint was found at `after`. */
  seen(suffix: string, after: Revision): SeenRows;
  /** The transaction was committed, with the checkpoint at `upTo`. */
  end(upTo: Revision): void;
};

/** 16 MiB per shard: enough for a million rows and more. */
const SLOTS = 2 ** 21;

/**
 * Remembers rows of a shard as long as each transaction continues where the one before it ended. What a build holds of
 * a shard follows from its checkpoint alone: even if the store was set back, and another process brought it forward
 * again, a row met at a checkpoint is there at that checkpoint. Anything else, such as another build or a failed
 * transaction, clears the memory. Of other shards, whose checkpoints nobody compares, no row is remembered.
 */
export function makeRowMemory(slots = SLOTS): RowMemory {
  const shards = new Map<Shard, () => TransactionRows>();
  return {
    begin(shard) {
      const begin = shards.get(shard) ?? rememberShard(shard, slots);
      shards.set(shard, begin);
      return begin();
    },
  };
}

function rememberShard(shard: Shard, slots: number): () => TransactionRows {
  // Direct-mapped, of revisions plus one; a collision evicts.
  const cache = new Float64Array(slots);
  let last = { suffix: "", reached: NO_REVISION };
  let begun = 0;

  const rows: SeenRows = {
    has(number) {
      const { shard: own, revision } = positionOf(number);
      return own === shard && cache[revision % slots] === revision + 1;
    },
    add(number) {
      const { shard: own, revision } = positionOf(number);
      if (own === shard) cache[revision % slots] = revision + 1;
    },
  };

  return () => {
    const before = last;
    const turn = ++begun;
    let into = "";
    last = { suffix: "", reached: NO_REVISION };
    return {
      seen(suffix, after) {
        into = suffix;
        if (after === NO_REVISION || before.reached !== after || before.suffix !== suffix) cache.fill(0);
        return rows;
      },
      end(upTo) {
        // Not if another began meanwhile: it may have added rows, and fail.
        if (turn === begun) last = { suffix: into, reached: upTo };
      },
    };
  };
}
