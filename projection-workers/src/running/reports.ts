import type { LedgerErrorCode, Revision, Shard } from "ledger-core";
import type { BatchTuning } from "../consumer/batch-size.ts";
import type { ConsumerOptions } from "../consumer/consumer.ts";
import type { ReadingTuning } from "../consumer/shared-reading.ts";
import type { StepTuning } from "../rebuild/steps.ts";
import type { RebuildState } from "./rebuild-state.ts";

/** How projections read, batch and retry; each field states its default. */
export type ProjectionTuning = BatchTuning &
  ReadingTuning &
  Pick<ConsumerOptions<unknown>, "retryMs"> & {
    /** Of rebuilds beside live projections. */
    readonly rebuild?: StepTuning;
  };

/** Requests to the runner of the projections. */
export type ProjectionOrder =
  | { readonly kind: "stop" }
  | { readonly kind: "rebuild"; readonly projection: string }
  /** A query could not read the file. */
  | { readonly kind: "damaged"; readonly file: string; readonly reason: string };

/** The last event of a shard that a projection has applied; NO_REVISION if none. */
export type ProjectionPosition = { readonly projection: string; readonly shard: Shard; readonly revision: Revision };

/** Marks a projection as incomplete until it reaches the log's end. */
export const REBUILDING = "rebuilding from the log";

/** Reports from the runner of the projections: plain data, which may cross to another thread. */
export type ProjectionReport =
  /** Every file was opened, or failed to open and will be retried. */
  | { readonly kind: "started" }
  /** `rebuilding`: it was incomplete before, and must not be queried until these projections reach the log's end. */
  | { readonly kind: "opened"; readonly positions: readonly ProjectionPosition[]; readonly rebuilding: boolean }
  | { readonly kind: "refused"; readonly code: LedgerErrorCode; readonly message: string }
  | ({ readonly kind: "moved" } & ProjectionPosition)
  /** `trouble`: why it halted or waits for its store; null once it continues. */
  | { readonly kind: "trouble"; readonly projection: string; readonly shard: Shard; readonly trouble: string | null }
  /** A file could not be read, and another is being built in its place. */
  | { readonly kind: "set_aside"; readonly file: string }
  | { readonly kind: "rebuild"; readonly state: RebuildState };
