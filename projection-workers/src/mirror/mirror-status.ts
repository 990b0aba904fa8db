import type { Revision, Shard } from "ledger-core";

/**
 * State of one shard's mirror. `behind`: sending the log's events; `live`: up to date when last checked; `retrying`:
 * the broker, the topic or the log is unavailable, and sending resumes by itself; `halted`: the topic holds another
 * ledger, and nothing is sent until an operator acts.
 */
export type MirrorStatus = {
  readonly shard: Shard;
  readonly state: "starting" | "behind" | "live" | "retrying" | "halted" | "stopped";
  /** The last event that the broker acknowledged; NO_REVISION before the first. */
  readonly revision: Revision;
  /** The log's head when it was last read. */
  readonly head: Revision;
  /** For how long the mirror has lagged behind the log, in seconds; 0 if it is up to date. */
  readonly lagSeconds: number;
  /** Foreign records at the end of the partition. */
  readonly foreign: number;
  readonly reason: string | null;
  /** The same for callers without a token. */
  readonly publicReason: string | null;
};
