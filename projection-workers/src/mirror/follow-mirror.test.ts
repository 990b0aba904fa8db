import type { Revision, Shard } from "ledger-core";
import type { Delivery, EventSource } from "ledger-core/event-log";
import type { MirrorSource } from "ledger-core/kafka";
import { createLogger } from "ledger-core/process";
import { makeEvents, openTestLog } from "ledger-core/testing";
import { expect, test } from "vitest";
import { followMirror } from "./follow-mirror.ts";

const logger = createLogger({ name: "test", level: "silent" });

/** A mirror that has what the log has, and counts its subscriptions per shard. */
function mirrorOf(log: EventSource): MirrorSource & { readonly most: () => number; readonly begun: () => number } {
  let [now, most, begun] = [0, 0, 0];
  return {
    async *subscribe(shard: Shard, from: Revision, signal: AbortSignal): AsyncGenerator<Delivery> {
      begun++;
      most = Math.max(most, ++now);
      try {
        yield* log.subscribe(shard, from, signal);
      } finally {
        now--;
      }
    },
    commit: async () => undefined,
    async *records() {},
    close: async () => undefined,
    most: () => most,
    begun: () => begun,
  };
}

/** Reads until it has caught up with a revision. */
async function readTo(deliveries: AsyncIterator<Delivery>, revision: Revision): Promise<void> {
  for (;;) {
    const { value, done } = await deliveries.next();
    if (done || (value.kind === "caught_up" && value.head === revision)) return;
  }
}

test("of several subscriptions of a shard, one reads the mirror, and none waits for another", async () => {
  const { log } = await openTestLog();
  await log.append(0, -1, makeEvents(0, 5));
  const mirror = mirrorOf(log);
  const followed = followMirror({ mirror, log, logger, logMs: 0 });
  const ends = [0, 1, 2].map(() => new AbortController());
  const [one, two, three] = ends.map(({ signal }) => followed.subscribe(0, 0, signal)[Symbol.asyncIterator]());
  if (!one || !two || !three) throw new Error("there are three");
  for (const each of [one, two, three]) await readTo(each, 4);
  expect(mirror.most()).toBe(1);
  expect(followed.using(0)).toBe("mirror");
  await log.append(0, 4, makeEvents(5, 3));
  for (const each of [three, two, one]) await readTo(each, 7);
  expect(mirror.most()).toBe(1);
  // The mirror's reader ends; another takes its place once it has caught up.
  ends[0]?.abort();
  await one.return?.();
  await log.append(0, 7, makeEvents(8, 1));
  await readTo(two, 8);
  await log.append(0, 8, makeEvents(9, 1));
  await readTo(two, 9);
  await readTo(three, 9);
  expect(mirror.most()).toBe(1);
  expect(mirror.begun()).toBe(2);
  for (const end of ends) end.abort();
  await two.return?.();
  await three.return?.();
});
