import type { Revision, Shard } from "ledger-core";

/**
 * The mirror of one shard. `behind`: sends what the log has; `live`: had sent everything when it last looked;
 * `retrying`: the broker, the topic or the log cannot be used, and it goes on by itself once they can; `halted`: the
 * topic holds another ledger, nothing is sent until an operator has looked.
 */
export type MirrorStatus = {
  readonly shard: Shard;
  readonly state: "starting" | "behind" | "live" | "retrying" | "halted" | "stopped";
  /** The last event that the broker has acknowledged; NO_REVISION before the first. */
  readonly revision: Revision;
  /** The log's end when it was last read. */
  readonly head: Revision;
  /** Since when the mirror has not had all of the log, in seconds; 0 when it has. */
  readonly lagSeconds: number;
  /** Records of strangers found at the end of the partition. */
  readonly foreign: number;
  readonly reason: string | null;
  /** The same for callers without a token. */
  readonly publicReason: string | null;
};
