import { isLedgerError, type Revision, type Runtime, type Shard } from "ledger-core";
import type { MirrorSource } from "ledger-core/kafka";

export type LagReportOptions = {
  readonly mirror: Pick<MirrorSource, "commit">;
  readonly shards: readonly Shard[];
  /** The last event that every projection of this process has applied durably. */
  readonly applied: (shard: Shard) => Revision;
  readonly logger: { debug(about: object, text: string): void };
  readonly runtime: Pick<Runtime, "every">;
  /** Event Hubs takes at most 4 commits per second of a partition. 10 to 600,000. Default 5000. */
  readonly everyMs?: number;
};

/**
 * Commits what is applied to the broker again and again, for those who watch the lag of the group. A failure harms
 * nobody: the next commit comes by itself.
 * @returns how to stop it
 */
export function reportLag({ mirror, shards, applied, logger, runtime, everyMs = 5000 }: LagReportOptions): () => void {
  let committing = false;
  async function commit(): Promise<void> {
    if (committing) return;
    committing = true;
    for (const shard of shards) {
      try {
        await mirror.commit(shard, applied(shard));
      } catch (error) {
        if (!isLedgerError(error)) throw error;
        logger.debug({ shard, err: error }, "the lag is not reported to the broker now");
      }
    }
    committing = false;
  }
  return runtime.every(everyMs, () => void commit());
}
