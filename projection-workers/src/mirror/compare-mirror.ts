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
  /** The first difference; null if there is none. */
  readonly fault: string | null;
};

/** Compares every record of a shard's mirror with the log: revision, id, type, leaf and bytes. */
export async function compareMirror(log: EventSource, mirror: MirrorSource, shard: Shard): Promise<MirrorComparison> {
  const head = await log.head(shard);
  let [first, last, repeats, foreign] = [NO_REVISION, NO_REVISION, 0, 0];
  let own: AsyncGenerator<StoredEvent> | undefined;
  const result = (fault: string | null): MirrorComparison => ({ shard, head, first, last, repeats, foreign, fault });
  for await (const records of mirror.records(shard))
    for (const { offset, event } of records) {
      if (!event) {
        foreign++;
        continue;
      }
      const expired = offset > foreign;
      if (!own && event.revision > 0 && !expired) return result(`the mirror begins with ${shard}:${event.revision}`);
      if (!own) [first, last] = [event.revision, event.revision - 1];
      own ??= eventsOf(log, shard, first);
      if (event.revision > last + 1) return result(`offset ${offset} has ${event.revision} after ${last}`);
      const repeat = event.revision <= last;
      const expected = repeat ? await eventsOf(log, shard, event.revision, 1).next() : await own.next();
      const difference = differenceOf(event, expected.done ? undefined : expected.value);
      if (difference) return result(`offset ${offset}, ${shard}:${event.revision}: ${difference}`);
      if (repeat) repeats++;
      else last = event.revision;
    }
  return result(last < head ? `the mirror ends at ${shard}:${last}, and the log at ${shard}:${head}` : null);
}

async function* eventsOf(log: EventSource, shard: Shard, from: Revision, limit?: number): AsyncGenerator<StoredEvent> {
  for await (const events of log.read(shard, from, limit === undefined ? {} : { limit })) yield* events;
}

function differenceOf(mirrored: StoredEvent, own: StoredEvent | undefined): string | undefined {
  if (!own) return "the log has no such event";
  const { id, type, version, at } = own;
  for (const [name, value, other] of [
    ["id", mirrored.id, id],
    ["type", mirrored.type, type],
    ["version", mirrored.version, version],
    ["time", mirrored.at, at],
  ])
    if (value !== other) return `its ${name} is ${value}, and ${other} in the log`;
  if (Buffer.compare(mirrored.leaf, own.leaf) !== 0) return "its leaf is another than in the log";
  if (Buffer.compare(mirrored.data, own.data) !== 0) return "its bytes are others than in the log";
  return undefined;
}
