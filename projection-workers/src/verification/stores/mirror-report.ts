import { NO_REVISION, type Position, type Revision, type Shard } from "ledger-core";
import type { EventSource } from "ledger-core/event-log";
import type { MirrorSource } from "ledger-core/kafka";
import { compareMirror, type MirrorDifference } from "../../mirror/compare-mirror.ts";
import { type FirstDifference, failedReport, noReport, type StoreReport } from "./store-report.ts";

/** Compares the mirror with the log, record by record, once it holds the log's head of the start. */
export async function compareWithMirror(
  log: EventSource,
  mirror: MirrorSource,
  heads: ReadonlyMap<Shard, Revision>,
  waitMs: number,
): Promise<StoreReport> {
  const report = { ...noReport, store: "mirror" };
  const positions: Position[] = [];
  let rows = 0;
  let behind = 0;
  try {
    for (const [shard, head] of heads) {
      await waitForRecord(mirror, shard, head, waitMs);
      const { first, last, difference, fault } = await compareMirror(log, mirror, shard);
      positions.push({ shard, revision: last });
      rows += last === NO_REVISION ? 0 : last - first + 1;
      behind += Math.max(0, head - last);
      if (!difference) continue;
      const named = firstOf(shard, difference);
      return { ...report, verdict: "differs", detail: `${fault}`, positions, rows, differing: 1, first: named };
    }
  } catch (error) {
    return failedReport("mirror", error);
  }
  const equal = `${rows} records equal the log`;
  if (behind === 0) return { ...report, verdict: "equal", detail: equal, positions, rows };
  const detail = `${equal}, and ${behind} events of the log are missing yet`;
  return { ...report, verdict: "unknown", detail, positions, rows };
}

/** Waits until the mirror holds an event, within bounds. */
async function waitForRecord(mirror: MirrorSource, shard: Shard, revision: Revision, waitMs: number): Promise<void> {
  if (revision === NO_REVISION) return;
  for await (const { kind } of mirror.subscribe(shard, revision, AbortSignal.timeout(waitMs)))
    if (kind === "events") return;
}

function firstOf(shard: Shard, { offset, revision, event, field, expected, found }: MirrorDifference): FirstDifference {
  const position = { shard, revision };
  return { ...{ table: "records", key: `${offset}`, column: field, expected, found }, account: null, event, position };
}
