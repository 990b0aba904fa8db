import type { KafkaRecord, RecordsBatch } from "@platformatic/kafka";
import type { ReceivedRecord } from "../records.ts";

/** Bit 5 of a batch's attributes: markers of transactions, which are not records. */
const CONTROL = 0b10_0000;

/** The records of a fetched partition from an offset on, and the offset that follows all of its batches. */
export function receivedFrom(offset: number, batches: readonly RecordsBatch[]) {
  const records: ReceivedRecord[] = [];
  let next = offset;
  for (const batch of batches) {
    const first = Number(batch.firstOffset);
    next = Math.max(next, first + batch.lastOffsetDelta + 1);
    if ((batch.attributes & CONTROL) !== 0) continue;
    // The broker sends whole batches, which may begin before the offset.
    for (const record of batch.records)
      if (first + record.offsetDelta >= offset) records.push(received(first + record.offsetDelta, record));
  }
  return { records, next };
}

function received(offset: number, { value, headers }: KafkaRecord): ReceivedRecord {
  let texts: Map<string, string | undefined> | undefined;
  return {
    offset,
    value,
    header(name) {
      texts ??= textsOf(headers);
      return texts.get(name);
    },
  };
}

/** A name that occurs twice has no value. */
function textsOf(headers: KafkaRecord["headers"]): Map<string, string | undefined> {
  const texts = new Map<string, string | undefined>();
  for (const [name, value] of headers) {
    const key = String(name);
    texts.set(key, texts.has(key) ? undefined : value?.toString());
  }
  return texts;
}
