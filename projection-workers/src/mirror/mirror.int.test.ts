import { NO_REVISION } from "ledger-core";
import { createMetrics } from "ledger-core/http";
import { kafkaClientNames, openMirrorSource, openMirrorTarget } from "ledger-core/kafka";
import { createLogger } from "ledger-core/process";
import {
  findKafka,
  type KafkaBroker,
  makeEvents,
  openTestLog,
  quickTuning,
  seeded,
  startKafka,
} from "ledger-core/testing";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { mirrorFaults, playMirrorFaults } from "../testing/mirror-faults.ts";
import { compareMirror } from "./compare-mirror.ts";
import { followMirror } from "./follow-mirror.ts";
import { measureMirror, mirrorChecks, startMirror } from "./mirror.ts";

const source = await findKafka();
const logger = createLogger({ name: "test", level: "silent" });

describe.skipIf(source.kind === "none")(source.kind === "none" ? source.reason : "the mirror on Kafka", () => {
  let broker: KafkaBroker;
  beforeAll(async () => {
    broker = await startKafka(source);
  });
  afterAll(() => broker.stop());

  async function mirrored(count: number) {
    const { log } = await openTestLog();
    const topic = await broker.createTopic();
    if (count > 0) await log.append(0, NO_REVISION, makeEvents(0, count));
    const connection = { ...broker.plain, topic };
    const open = { logger, tuning: quickTuning };
    const start = () => {
      const target = openMirrorTarget(connection, open);
      const mirror = startMirror({ log, target, shards: 1, logger, tuning: { retryMs: { first: 50, most: 500 } } });
      onTestFinished(() => mirror.stop());
      return mirror;
    };
    const mirrorSource = openMirrorSource(connection, open);
    onTestFinished(() => mirrorSource.close());
    return { log, topic, start, source: mirrorSource };
  }
  const reaches = (mirror: ReturnType<typeof startMirror>, expected: object) =>
    expect.poll(() => mirror.statuses()[0], { timeout: 25_000 }).toMatchObject(expected);

  test("equals the log, record by record, after every fault", async ({ skip }) => {
    if (!broker.faults) return skip("the broker of KAFKA_URL is not ours to disturb");
    const seed = Math.floor(Math.random() * 2 ** 31);
    const next = seeded(seed);
    const faults = mirrorFaults.toSorted(() => next(3) - 1).slice(0, 4);
    const client = kafkaClientNames[next(2)] ?? "kafkajs";
    const comparisons = await playMirrorFaults({ broker, shards: 2, client, seed, faults });
    for (const comparison of comparisons)
      expect(comparison, `seed ${seed}, ${client}`).toMatchObject({ fault: null, foreign: 0 });
  }, 120_000);

  test("is rebuilt on a topic that was deleted and recreated", async () => {
    const { log, topic, start, source: mirror } = await mirrored(20);
    const run = start();
    await reaches(run, { state: "live", revision: 19 });
    await broker.deleteTopic(topic);
    await log.append(0, 19, makeEvents(20, 1));
    await reaches(run, { state: "retrying", reason: expect.stringContaining(`topic ${topic} does not exist`) });
    expect(mirrorChecks(run)[0]?.check()).toMatchObject({ ready: false });
    const metrics = createMetrics();
    measureMirror(metrics, run);
    expect(await metrics.registry.metrics()).toContain("mirror_waiting_shards 1");
    await broker.recreateTopic(topic);
    await reaches(run, { state: "live", revision: 20 });
    expect(await compareMirror(log, mirror, 0)).toMatchObject({ fault: null, first: 0, last: 20 });
  });

  test("refuses a topic that mirrors another ledger, and writes nothing there", async () => {
    const { start, topic, log, source: mirror } = await mirrored(3);
    await reaches(start(), { state: "live", revision: 2 });
    const other = await openTestLog();
    await other.log.append(0, NO_REVISION, makeEvents(0, 9, { salt: 2 }));
    const target = openMirrorTarget({ ...broker.plain, topic }, { logger, tuning: quickTuning });
    const run = startMirror({ log: other.log, target, shards: 1, logger });
    await run.finished;
    expect(run.statuses()[0]).toMatchObject({ state: "halted", reason: expect.stringContaining("another ledger") });
    await run.stop();
    expect(await compareMirror(log, mirror, 0)).toMatchObject({ fault: null, last: 2, repeats: 0 });
  });

  test("a comparison names the first difference", async () => {
    const { log, topic, source: mirror, start } = await mirrored(4);
    const run = start();
    await reaches(run, { state: "live", revision: 3 });
    await run.stop();
    expect(await compareMirror(log, mirror, 0)).toMatchObject({ fault: null, repeats: 0, foreign: 0 });
    await log.append(0, 3, makeEvents(4, 2));
    expect((await compareMirror(log, mirror, 0)).fault).toBe("the mirror ends at 0:3, and the log at 0:5");
    const other = await openTestLog();
    await other.log.append(0, NO_REVISION, makeEvents(0, 4, { salt: 5 }));
    expect((await compareMirror(other.log, mirror, 0)).fault).toMatch(/^offset 0, 0:0: its id is evt_/);
    await broker.send(topic, 0, [{ value: "a stranger" }]);
    expect((await compareMirror(log, mirror, 0)).foreign).toBe(1);
  });

  test("projections read expired events from the log, and then the mirror again", async () => {
    const { log, topic, start, source: mirror } = await mirrored(10);
    await reaches(start(), { state: "live", revision: 9 });
    await broker.expire(topic, 0, 8);
    const followed = followMirror({ mirror, log, logger, logMs: 0 });
    const abort = new AbortController();
    const seen: number[] = [];
    const used: string[] = [];
    for await (const delivery of followed.subscribe(0, 2, abort.signal)) {
      used.push(followed.using(0));
      if (delivery.kind === "events") seen.push(...delivery.events.map(({ revision }) => revision));
      if (delivery.kind === "caught_up" && used.at(-1) === "mirror" && seen.at(-1) === 9)
        await log.append(0, 9, makeEvents(10, 5));
      if (seen.at(-1) === 14) abort.abort();
    }
    expect(seen).toEqual(Array.from({ length: 13 }, (_, n) => n + 2));
    expect(used[0]).toBe("log");
    expect(used.at(-1)).toBe("mirror");
  });
});
