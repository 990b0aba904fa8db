import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { findKafka, startKafka } from "ledger-core/testing/engines/kafka";
import { checkAnswers, checkBooks } from "../checks.ts";
import { runLoad, startChild } from "../children.ts";
import { type Figure, figure } from "../figure.ts";
import type { Scale } from "../scale.ts";
import type { LedgerCheck, LedgerServerReady } from "../servers/ledger.ts";
import type { MirrorDelays, MirrorSeconds } from "../servers/mirror.ts";
import { bulkPlan } from "./bulk-plan.ts";
import { singlePlan } from "./singles.ts";

/** Payments a second while the delay is measured. */
const RATE = 5000;
const TOPIC = { config: { "max.message.bytes": "1048576", "retention.ms": "604800000" } };

/** The mirror and its readers on a real Kafka, beside kafkajs alone in the same run; nothing without a broker. */
export async function measureMirror(folder: string, scale: Scale): Promise<Figure[]> {
  const source = await findKafka();
  if (source.kind === "none") {
    process.stderr.write(`the mirror is not measured: ${source.reason}\n`);
    return [];
  }
  const broker = await startKafka(source);
  const { brokers } = broker.plain;
  const mirror = await startChild("servers/mirror.ts", { brokers });
  const seconds = async (question: object) => (await mirror.ask<MirrorSeconds>(question)).seconds;
  const ledger = await startChild<LedgerServerReady>("servers/ledger.ts", { folder, shared: true });
  try {
    const { accounts } = await ledger.ask<{ accounts: string[] }>({ ask: "accounts", count: scale.accounts });
    const target = { ...ledger.ready, accounts };
    const load = await runLoad(bulkPlan(target, scale.behindPayments));
    const books = await ledger.ask<LedgerCheck>({ ask: "check" });
    const note = checkBooks("the ledger", books, [load]);
    const [file, last] = [join(folder, "events.sqlite"), books.events - 1];
    const [ours, theirs, live] = [
      await broker.createTopic(TOPIC),
      await broker.createTopic(TOPIC),
      await broker.createTopic(TOPIC),
    ];
    await broker.settled();
    const sent = await seconds({ ask: "mirror", file, topic: ours, last });
    const sentAlone = await seconds({ ask: "client", file, topic: theirs, last });
    const applied = await seconds({ ask: "apply", file, topic: ours, last });
    const fetched = await seconds({ ask: "fetch", topic: ours, last });

    await mirror.ask({ ask: "follow", file, topic: live });
    const caughtUp = async () => (await mirror.ask<MirrorDelays>({ ask: "delays" })).events === 0;
    do await setTimeout(1000);
    while (!(await caughtUp()));
    const paced = await runLoad(singlePlan(target, scale.seconds, { rate: RATE }));
    checkAnswers("at a steady rate", [paced]);
    await setTimeout(1000);
    const delays = await mirror.ask<MirrorDelays>({ ask: "delays" });

    const rate = (taken: number) => books.events / taken;
    const alone = (name: string, taken: number) => [{ name, value: rate(taken) }];
    return [
      figure("P9", "mirror, from the log to Kafka", {
        ...{ value: rate(sent), unit: "events/s", atLeast: 0.7 * rate(sentAlone), note },
        beside: alone("kafkajs alone, the same records and batches", sentAlone),
      }),
      figure("P9", `delay of the mirror at ${RATE} payments/s, p99`, {
        ...{ value: delays.p99Ms, unit: "ms", atMost: 100 },
        note: `p50 ${delays.p50Ms.toFixed(1)} ms, ${delays.events} events, ${paced.perSecond.toFixed(0)} payments/s`,
      }),
      figure("P9", "from Kafka to a target that does nothing", {
        ...{ value: rate(applied), unit: "events/s" },
        beside: alone("kafkajs alone", fetched),
      }),
    ];
  } finally {
    await mirror.stop();
    await ledger.stop();
    await broker.stop();
  }
}
