import { NO_REVISION, type Revision, type Shard } from "ledger-core";
import type { EventSource, StoredEvent } from "ledger-core/event-log";
import type { MirrorSource } from "ledger-core/kafka";

/** The result of comparing a shard's mirror with its log. */
export type MirrorComparison = {
  readonly shard: Shard;
  /** The log's head when the comparison started. */
  readonly head: Revision;
  /** The first and last revision in the mirror; NO_REVISION if it is empty. */
  readonly first: Revision;
  readonly last: Revision;
  /** Records that repeat an earlier event; delivery is at least once, and readers drop them. */
  readonly repeats: number;
  /** Records that are not events of the shard; readers skip them. */
  readonly foreign: number;
  /** The first difference, or that the mirror ends before the log; null if there is neither. */
  readonly fault: string | null;
  /** The first difference, unless the mirror only ends before the log. */
  readonly difference: MirrorDifference | null;
};

/** A record that is not what it should be; `field` is null if another event should be in its place. */
export type MirrorDifference = {
  readonly offset: number;
  readonly revision: Revision;
  readonly event: string;
  readonly field: string | null;
  readonly expected: unknown;
  readonly found: unknown;
};

/** Compares every record of a shard's mirror with the log: revision, id, type, leaf and bytes. */
export async function compareMirror(log: EventSource, mirror: MirrorSource, shard: Shard): Promise<MirrorComparison> {
  const head = await log.head(shard);
  let [first, last, repeats, foreign] = [NO_REVISION, NO_REVISION, 0, 0];
  let own: AsyncGenerator<StoredEvent> | undefined;
  const result = (fault: string | null, difference: MirrorDifference | null = null): MirrorComparison => ({
    ...{ shard, head, first, last, repeats, foreign, fault, difference },
  });
  for await (const records of mirror.records(shard))
    for (const { offset, event } of records) {
      if (!event) {
        foreign++;
        continue;
      }
      const { id, revision } = event;
      const misplaced = (expected: Revision) => ({
        ...{ offset, revision, event: id, expected },
        field: null,
        found: revision,
      });
      const expired = offset > foreign;
      if (!own && revision > 0 && !expired) return result(`the mirror begins with ${shard}:${revision}`, misplaced(0));
      if (!own) [first, last] = [revision, revision - 1];
      own ??= eventsOf(log, shard, first);
      if (revision > last + 1) return result(`offset ${offset} has ${revision} after ${last}`, misplaced(last + 1));
      const repeat = event.revision <= last;
      const expected = repeat ? await eventsOf(log, shard, event.revision, 1).next() : await own.next();
      const difference = differenceOf(event, expected.done ? undefined : expected.value);
      if (difference) {
        const { text, ...fields } = difference;
        return result(`offset ${offset}, ${shard}:${revision}: ${text}`, { offset, revision, event: id, ...fields });
      }
      if (repeat) repeats++;
      else last = event.revision;
    }
  return result(last < head ? `the mirror ends at ${shard}:${last}, and the log at ${shard}:${head}` : null);
}

async function* eventsOf(log: EventSource, shard: Shard, from: Revision, limit?: number): AsyncGenerator<StoredEvent> {
  for await (const events of log.read(shard, from, limit === undefined ? {} : { limit })) yield* events;
}

function differenceOf(mirrored: StoredEvent, own: StoredEvent | undefined) {
  if (!own) return { text: "the log has no such event", field: null, expected: null, found: mirrored.revision };
  for (const field of ["id", "type", "version", "at"] as const) {
    const [found, expected] = [mirrored[field], own[field]];
    if (found !== expected)
      return { text: `its ${field} is ${found}, and ${expected} in the log`, field, expected, found };
  }
  for (const field of ["leaf", "data"] as const) {
    const [found, expected] = [mirrored[field], own[field]].map((bytes) => Buffer.from(bytes));
    if (found && expected && !found.equals(expected))
      return { text: `its ${field} is not that of the log`, field, expected: shown(expected), found: shown(found) };
  }
  return undefined;
}

const SHOWN_BYTES = 64;

function shown(bytes: Buffer): string {
  return bytes.subarray(0, SHOWN_BYTES).toString("base64");
}
