import type { MessagePort } from "node:worker_threads";
import type { LedgerErrorCode, Revision, Shard } from "ledger-core";
import type { LogLevel } from "ledger-core/process";
import type { RebuildName, RebuildState } from "./rebuild-state.ts";

/** What the thread of projections is started with; the port leads to the event log, which has a thread of its own. */
export type ThreadData = {
  readonly models: string;
  readonly views: string;
  readonly shards: number;
  readonly logLevel: LogLevel;
  readonly logPort: MessagePort;
};

/** From the main thread to the thread of projections. */
export type Order = { readonly kind: "stop" } | { readonly kind: "rebuild"; readonly projection: RebuildName };

/** What a projection had applied of a shard; NO_REVISION: nothing. */
export type Checkpoint = { readonly projection: RebuildName; readonly shard: Shard; readonly revision: Revision };

/** From the thread of projections to the main thread. */
export type Report =
  | { readonly kind: "started"; readonly checkpoints: readonly Checkpoint[] }
  /** `damaged`: a store's file cannot be read at all, whatever version wrote it. */
  | { readonly kind: "refused"; readonly code: LedgerErrorCode; readonly message: string; readonly damaged: boolean }
  | { readonly kind: "moved"; readonly projection: string; readonly shard: number; readonly revision: number }
  /** `trouble`: why it halted or waits for its store; null when it goes on. */
  | { readonly kind: "standing"; readonly projection: string; readonly shard: number; readonly trouble: string | null }
  | { readonly kind: "rebuild"; readonly state: RebuildState };
