import { LedgerError } from "../../domain/errors.ts";
import { NO_REVISION, type Revision, type Shard } from "../../domain/position.ts";
import type { NodeAddress } from "./address.ts";
import { type BatchAppendResp, MaximumAppendSizeExceeded, type Status, WrongExpectedVersion } from "./stubs.ts";

/** The append that a reply belongs to; `expected` is the revision it was to follow. */
export type AppendPlace = { readonly shard: Shard; readonly expected: Revision; readonly node: NodeAddress };

/**
 * Turns a reply into its outcome. A success counts with any position or none, since a repeat is answered without one.
 * Only errors that certainly wrote nothing are definite; all others leave the outcome unknown.
 * @throws wrong_expected_revision, log_unavailable, outcome_unknown
 */
export function judgeReply(reply: BatchAppendResp, place: AppendPlace): void {
  if (reply.hasSuccess()) return;
  const status = reply.getError();
  const [name = ""] = (status?.getDetails()?.getTypeUrl() ?? "").split("/").slice(-1);
  switch (status && name) {
    case "event_store.client.WrongExpectedVersion":
      throw wrongExpectedRevision(place, currentRevision(status));
    case "event_store.client.MaximumAppendSizeExceeded":
      throw tooLarge(place, sizeLimit(status));
    case "event_store.client.AccessDenied":
      throw refused(place, "does not let this user append");
    case "event_store.client.StreamDeleted":
      throw refused(place, "has deleted the stream: restore it from a backup");
    default:
      throw outcomeUnknown(place, status ? `${status.getMessage() || name || status.getCode()}` : "an empty reply");
  }
}

function currentRevision(status: Status | undefined): Revision | undefined {
  const details = status
    ?.getDetails()
    ?.unpack((bytes) => WrongExpectedVersion.deserializeBinary(bytes), "event_store.client.WrongExpectedVersion");
  if (details?.hasCurrentStreamRevision()) return Number(details.getCurrentStreamRevision());
  return details?.hasCurrentNoStream() ? NO_REVISION : undefined;
}

function sizeLimit(status: Status | undefined): number | undefined {
  return status
    ?.getDetails()
    ?.unpack(
      (bytes) => MaximumAppendSizeExceeded.deserializeBinary(bytes),
      "event_store.client.MaximumAppendSizeExceeded",
    )
    ?.getMaxappendsize();
}

function wrongExpectedRevision({ shard, expected }: AppendPlace, actual: Revision | undefined): LedgerError {
  return new LedgerError(
    "wrong_expected_revision",
    `shard ${shard} was expected at revision ${expected} and is at ${actual ?? "another"}: another writer wrote`,
  );
}

export function tooLarge(place: AppendPlace, limit: number | undefined): LedgerError {
  return refused(place, `takes no append of more than ${limit ?? "so many"} bytes: raise its MaxAppendSize`);
}

function refused({ shard, node }: AppendPlace, what: string): LedgerError {
  return new LedgerError("log_unavailable", `shard ${shard}: the event log at ${node.host}:${node.port} ${what}`, {
    retryable: true,
  });
}

export function outcomeUnknown({ shard, expected, node }: AppendPlace, why: string, cause?: unknown): LedgerError {
  const append = `whether the append to shard ${shard} after revision ${expected} was written is not known`;
  return new LedgerError("outcome_unknown", `${append}: ${why} (${node.host}:${node.port})`, {
    cause,
    retryable: true,
  });
}
