import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NO_REVISION } from "ledger-core";
import { type EventLog, openSqliteLog } from "ledger-core/event-log";
import { type KafkaClientName, openMirrorSource } from "ledger-core/kafka";
import { createLogger } from "ledger-core/process";
import { type KafkaBroker, makeEvents, quickTuning, seeded } from "ledger-core/testing";
import { compareMirror, type MirrorComparison } from "../mirror/compare-mirror.ts";
import type { MirrorStatus } from "../mirror/mirror-status.ts";

export const mirrorFaults = ["cut", "hold", "mute", "kill broker", "kill mirror", "stop mirror"] as const;
type Fault = (typeof mirrorFaults)[number];

export type FaultRun = {
  readonly broker: KafkaBroker;
  readonly shards: number;
  readonly client: KafkaClientName;
  readonly seed: number;
  /** Faults in the order they are played. */
  readonly faults: readonly Fault[];
  readonly tell?: (text: string) => void;
};

/**
 * Plays faults against a mirror in its own process while events are appended, and then compares mirror and log. Appends
 * never wait, since the log does not know the mirror.
 */
export async function playMirrorFaults(run: FaultRun): Promise<readonly MirrorComparison[]> {
  const { broker, shards, client, faults, tell = () => undefined } = run;
  const next = seeded(run.seed);
  const folder = await mkdtemp(join(tmpdir(), "mirror-faults-"));
  const file = join(folder, "events.sqlite");
  const log = await openSqliteLog({ file, shared: true });
  const connection = { ...broker.plain, topic: await broker.createTopic({ partitions: shards }), client };
  const mirror = mirrorProcess({ file, connection, shards, tuning: quickTuning });
  const writer = appendSteadily(log, shards, next);
  try {
    await mirror.start();
    for (const fault of faults) {
      await mirror.reaches(writer.heads());
      const lasts = next(400);
      tell(`${fault} for ${lasts} ms`);
      await play(fault, broker, mirror, lasts);
    }
    await writer.stop();
    await mirror.reaches(writer.heads());
    await mirror.stop();
    const source = openMirrorSource(connection, { logger: quiet(), tuning: quickTuning });
    const comparisons: MirrorComparison[] = [];
    for (let shard = 0; shard < shards; shard++) comparisons.push(await compareMirror(log, source, shard));
    await source.close();
    return comparisons;
  } finally {
    await writer.stop();
    await mirror.kill();
    await log.close();
    await rm(folder, { recursive: true });
  }
}

function quiet() {
  return createLogger({ name: "mirror-faults", level: "silent" });
}

async function play(
  fault: Fault,
  { faults: broker }: KafkaBroker,
  mirror: ReturnType<typeof mirrorProcess>,
  lasts: number,
): Promise<void> {
  if (!broker) throw new Error("the broker is not ours to disturb");
  const pause = () => new Promise((resolve) => setTimeout(resolve, lasts));
  switch (fault) {
    case "cut":
    case "hold":
    case "mute":
      broker.link[fault]();
      await pause();
      return broker.link.mend();
    case "kill broker":
      await broker.kill();
      return broker.start();
    case "kill mirror":
      await mirror.kill();
      return mirror.start();
    case "stop mirror":
      await mirror.stop();
      return mirror.start();
    default:
      return fault satisfies never;
  }
}

/** Appends to every shard repeatedly, from a few to hundreds of events at a time. */
function appendSteadily(log: EventLog, shards: number, next: (below: number) => number) {
  const heads = Array.from({ length: shards }, () => NO_REVISION);
  let stopped = false;
  const run = async () => {
    while (!stopped) {
      for (const [shard, head] of heads.entries()) {
        const count = next(20) === 0 ? 1 + next(900) : 1 + next(20);
        const events = makeEvents(head + 1, count, { shard, size: 40 + next(400) });
        heads[shard] = await log.append(shard, head, events);
      }
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  };
  const running = run();
  return {
    heads: () => [...heads],
    async stop() {
      stopped = true;
      await running;
    },
  };
}

function mirrorProcess(options: object) {
  let child: ChildProcess | undefined;
  let statuses: readonly MirrorStatus[] = [];
  let wake: () => void = () => undefined;
  async function end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const ending = child;
    child = undefined;
    if (!ending || ending.exitCode !== null) return;
    const exit = once(ending, "exit");
    ending.kill(signal);
    await exit;
  }
  return {
    async start() {
      const started = fork(join(import.meta.dirname, "mirror-child.ts"), [JSON.stringify(options)]);
      child = started;
      started.on("message", (message: readonly MirrorStatus[]) => {
        statuses = message;
        wake();
      });
      statuses = [];
      await once(started, "message");
    },
    /** Waits until the mirror has these revisions. */
    async reaches(heads: readonly number[]) {
      while (!heads.every((head, shard) => (statuses[shard]?.revision ?? NO_REVISION) >= head)) {
        const halted = statuses.find(({ state }) => state === "halted");
        if (halted) throw new Error(`the mirror halted: ${halted.reason}`);
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
    kill: () => end("SIGKILL"),
    stop: () => end("SIGTERM"),
  };
}
