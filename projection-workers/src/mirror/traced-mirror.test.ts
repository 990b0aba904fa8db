import { type FinishedSpan, LedgerError, NO_REVISION, type Tracing } from "ledger-core";
import type { MirrorTarget } from "ledger-core/kafka";
import { randomHistory } from "ledger-core/testing";
import { expect, test } from "vitest";
import { stored } from "../testing/stores.ts";
import { traceMirror } from "./traced-mirror.ts";

const placeOf = (id: string) => ({ traceId: `trace of ${id}`, spanId: `span of ${id}` });
const [old = expect.unreachable(), ...others] = stored(randomHistory(1, 4));
const nowMs = old.at / 1000 + 600_001;
const fresh = others.map((event) => ({ ...event, at: nowMs * 1000 }));

function world(append: () => Promise<void>) {
  const spans: FinishedSpan[] = [];
  const tracing: Tracing = {
    now: () => nowMs,
    sample: () => true,
    eventPlace: placeOf,
    record(span) {
      spans.push(span);
      return placeOf("new");
    },
    load: () => ({ queued: 0, dropped: 0 }),
    close: async () => {},
  };
  const end = { revision: NO_REVISION, event: undefined, foreign: 0 };
  const target: MirrorTarget = {
    check: async () => {},
    open: async () => ({ end, bytesMax: 1, eventsMax: 2, append, close: async () => {} }),
    close: async () => {},
  };
  return { spans, target: traceMirror(target, tracing) };
}

test("each event that the broker has acknowledged gets a step in its own trace, and history gets none", async () => {
  const { spans, target } = world(async () => {});
  const writer = await target.open(0);
  expect(writer).toMatchObject({ bytesMax: 1, eventsMax: 2, end: { foreign: 0 } });
  await writer.append([old, ...fresh]);
  expect(spans).toHaveLength(fresh.length);
  for (const [index, event] of fresh.entries())
    expect(spans[index]).toMatchObject({
      ...{ name: "mirror", kind: "producer", parent: placeOf(event.id) },
      attributes: { "ledger.position": `${event.shard}:${event.revision}`, "ledger.event.type": event.type },
    });
});

test("a send that failed gives none, and its error is passed on", async () => {
  const error = new LedgerError("outcome_unknown", "no answer");
  const { spans, target } = world(() => Promise.reject(error));
  const writer = await target.open(0);
  await expect(writer.append(fresh)).rejects.toBe(error);
  expect(spans).toEqual([]);
});
