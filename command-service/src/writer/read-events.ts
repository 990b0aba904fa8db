import { decodeEvent, isLedgerError, type LedgerError, type LedgerEvent, type Revision, type Shard } from "ledger-core";
import type { EventLog } from "ledger-core/event-log";

/** How wanted events become reads of the log. */
export type ReadLimits = {
  /** Reads under way at once. */
  readonly readsMax: number;
  /** Wanted events at most this many revisions apart share one read. */
  readonly readGapMax: number;
  /** Revisions of one read, so that no answer of the log is large. */
  readonly readSpanMax: number;
};

/** One shard of the log, read back. */
export type LogReads = { readonly log: EventLog; readonly shard: Shard; readonly limits: ReadLimits };

/**
 * Reads the events at these revisions; neighbors share one read.
 * @param take called with each event found, and the size of its data
 * @returns the errors of the revisions that could not be read
 */
export async function readEvents(
  on: LogReads,
  revisions: Iterable<Revision>,
  take: (event: LedgerEvent, bytes: number) => void,
): Promise<Map<Revision, LedgerError>> {
  const failures = new Map<Revision, LedgerError>();
  const ranges = rangesOf(revisions, on.limits);
  let next = 0;
  const worker = async () => {
    for (let range = ranges[next++]; range; range = ranges[next++]) await readRange(on, range, take, failures);
  };
  await Promise.all(Array.from({ length: Math.min(on.limits.readsMax, ranges.length) }, worker));
  return failures;
}

async function readRange(
  on: LogReads,
  range: readonly Revision[],
  take: (event: LedgerEvent, bytes: number) => void,
  failures: Map<Revision, LedgerError>,
): Promise<void> {
  const first = range[0] ?? 0;
  const wanted = new Set(range);
  try {
    for await (const events of on.log.read(on.shard, first, { limit: (range.at(-1) ?? 0) - first + 1 }))
      for (const stored of events) if (wanted.has(stored.revision)) take(decodeEvent(stored), stored.data.length);
  } catch (error) {
    if (!isLedgerError(error)) throw error;
    // Retry one by one, so that an unreadable event does not fail its neighbors.
    if (range.length > 1 && error.code !== "log_unavailable")
      for (const revision of range) await readRange(on, [revision], take, failures);
    else for (const revision of range) failures.set(revision, error);
  }
}

/** Groups the distinct revisions in order into ranges, one per read. */
function rangesOf(revisions: Iterable<Revision>, { readGapMax, readSpanMax }: ReadLimits): Revision[][] {
  const ranges: Revision[][] = [];
  for (const revision of [...new Set(revisions)].sort((a, b) => a - b)) {
    const range = ranges.at(-1) ?? [];
    const [first, last] = [range[0] ?? revision, range.at(-1) ?? revision];
    if (range.length > 0 && revision - last <= readGapMax && revision - first < readSpanMax) range.push(revision);
    else ranges.push([revision]);
  }
  return ranges;
}
