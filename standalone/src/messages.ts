import type { MessagePort } from "node:worker_threads";
import type { LedgerErrorCode, Revision, Shard } from "ledger-core";
import type { LogLevel } from "ledger-core/process";
import type { ProjectionTuning } from "projection-workers";
import type { RebuildName, RebuildState } from "./rebuild-state.ts";
import type { KeeperTuning } from "./store-keeper.ts";

/** What the thread of projections is started with; the port leads to the event log, which has a thread of its own. */
export type ThreadData = {
  readonly models: string;
  readonly views: string;
  readonly shards: number;
  readonly logLevel: LogLevel;
  readonly logPort: MessagePort;
  readonly keeper: Partial<KeeperTuning>;
  readonly tuning: ProjectionTuning;
};

/** A file of read models: of the models, or of the views, in which the session and the graph are. */
export type StoreFile = "models" | "views";

/** From the main thread to the thread of projections. */
export type Order =
  | { readonly kind: "stop" }
  | { readonly kind: "rebuild"; readonly projection: RebuildName }
  /** A query could not read the file. */
  | { readonly kind: "damaged"; readonly store: StoreFile; readonly reason: string };

/** What a projection had applied of a shard; NO_REVISION: nothing. */
export type Checkpoint = { readonly projection: RebuildName; readonly shard: Shard; readonly revision: Revision };

/** From the thread of projections to the main thread. */
export type Report =
  /** Every file was opened, or could not be and will be tried again. */
  | { readonly kind: "started" }
  | { readonly kind: "opened"; readonly checkpoints: readonly Checkpoint[] }
  | { readonly kind: "refused"; readonly code: LedgerErrorCode; readonly message: string }
  | { readonly kind: "moved"; readonly projection: string; readonly shard: number; readonly revision: number }
  /** `trouble`: why it halted or waits for its store; null when it goes on. */
  | { readonly kind: "standing"; readonly projection: string; readonly shard: number; readonly trouble: string | null }
  /** A file could not be read, and another is being built in its place. */
  | { readonly kind: "set_aside"; readonly store: StoreFile }
  | { readonly kind: "rebuild"; readonly state: RebuildState };
