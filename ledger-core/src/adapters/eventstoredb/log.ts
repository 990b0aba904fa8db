import { assert } from "../../domain/errors.ts";
import { REVISION_MAX, SHARD_MAX, type Shard } from "../../domain/position.ts";
import type { EventLog } from "../../ports/event-log.ts";
import { encodeFrames } from "../../ports/frame-bytes.ts";
import { lastOf, sealFrames } from "../frames.ts";
import { type EsdbSecrets, parseAddress } from "./address.ts";
import { Appends } from "./appends.ts";
import { EsdbConnection } from "./connection.ts";
import { Reads } from "./reads.ts";

export type EventStoreDbOptions = EsdbSecrets & {
  /** Shard streams are named `<prefix>-<shard>`. Default ledger. */
  readonly streamPrefix?: string;
  /** How long an append waits for its reply before its outcome is unknown. 100 to 60,000; default 5,000. */
  readonly appendTimeoutMs?: number;
  /** Timeout of the first call to a node. 100 to 60,000; default 5,000. */
  readonly connectTimeoutMs?: number;
  /**
   * How long a read may be silent; a live subscription then checks for missed events. 100 to 60,000; default 10,000.
   */
  readonly silenceMs?: number;
  /** How long a dropped read or subscription is retried before it fails. From 0; default 5,000. */
  readonly resumeMs?: number;
  /** The server's MaxAppendSize: a larger append is refused before it is sent. Default 1,048,576. */
  readonly appendBytesMax?: number;
};

/**
 * The event log in EventStoreDB, one stream `ledger-<shard>` per shard. Connects on first use. Appends and reads have
 * separate connections; appends go to the leader.
 * @param url `esdb://[name:password@]host[:port][?option=value]` or `esdb+discover://…`
 * @throws LedgerError config if the url cannot be used
 */
export function openEventStoreDb(url: string, options: EventStoreDbOptions = {}): EventLog {
  const { appendTimeoutMs = 5000, connectTimeoutMs = 5000, silenceMs = 10_000, resumeMs = 5000 } = options;
  const { appendBytesMax = 2 ** 20, streamPrefix = "ledger" } = options;
  const address = parseAddress(url, options);
  const streamOf = (shard: Shard) => `${streamPrefix}-${shard}`;
  const closed = new AbortController();
  const readsLeader = address.readFrom === "leader";
  const writing = new EsdbConnection({ address, requiresLeader: true, connectTimeoutMs });
  const reading = new EsdbConnection({ address, requiresLeader: readsLeader, connectTimeoutMs });
  const appends = new Appends({ connection: writing, streamOf, appendTimeoutMs, appendBytesMax });
  const reads = new Reads({ connection: reading, streamOf, silenceMs, resumeMs, closed: closed.signal });
  return {
    append: async (shard, expectedRevision, events) => {
      assert(Number.isInteger(shard) && shard >= 0 && shard <= SHARD_MAX, `a shard is 0 to ${SHARD_MAX}, not ${shard}`);
      const batch = sealFrames(shard, expectedRevision + 1, events.bytes ?? encodeFrames(events));
      assert(lastOf(batch) <= REVISION_MAX, "a shard holds 2^40 events");
      await appends.append(batch);
      return lastOf(batch);
    },
    head: (shard) => reads.head(shard),
    read: (shard, from, limits) => reads.read(shard, from, limits?.limit),
    subscribe: (shard, from, signal) => reads.subscribe(shard, from, signal),
    close: async () => {
      closed.abort();
      appends.close();
      writing.close();
      reading.close();
    },
  };
}
