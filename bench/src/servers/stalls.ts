import { readFileSync } from "node:fs";
import { monitorEventLoopDelay, PerformanceObserver } from "node:perf_hooks";
import type { EventLog } from "ledger-core/event-log";

/** How often the thread is sampled. */
const LOOP_STEP_MS = 5;

/** Pauses of the serving thread since the last `take`. */
export type Stalls = {
  /** The longest time without an answer, to five milliseconds. */
  readonly loopMs: number;
  /** The longest garbage collection of that thread; part of `loopMs`. */
  readonly gcMs: number;
  /** The longest wait for an append, including the way to the log's thread and back. */
  readonly appendMs: number;
  /** Bytes that the thread itself read from the disk; 0 if unknown. */
  readonly diskReadBytes: number;
};

/** Appends since the last `takeAppends`, their events, and the bytes of these, frame headers included. */
export type AppendCounts = { readonly appends: number; readonly events: number; readonly bytes: number };

/**
 * Watches appends through the returned log, and the calling thread from the first `take` on, so that a run without
 * `take` is not slowed down.
 */
export function watchStalls(log: EventLog): {
  readonly log: EventLog;
  take(): Stalls;
  takeAppends(): AppendCounts;
} {
  const loop = monitorEventLoopDelay({ resolution: LOOP_STEP_MS });
  let [gcMs, appendMs, readBefore] = [0, 0, diskRead()];
  let taken = { appends: 0, events: 0, bytes: 0 };
  const collections = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) gcMs = Math.max(gcMs, duration);
  });
  const watched: EventLog = {
    read: log.read.bind(log),
    head: log.head.bind(log),
    subscribe: log.subscribe.bind(log),
    close: log.close.bind(log),
    async append(...batch) {
      const began = performance.now();
      try {
        const head = await log.append(...batch);
        const [, , events] = batch;
        taken.appends++;
        taken.events += events.length;
        taken.bytes += events.bytes?.length ?? 0;
        return head;
      } finally {
        appendMs = Math.max(appendMs, performance.now() - began);
      }
    },
  };
  return {
    log: watched,
    take() {
      loop.enable();
      collections.observe({ entryTypes: ["gc"] });
      const readNow = diskRead();
      const stalls = { loopMs: loop.max / 1e6, gcMs, appendMs, diskReadBytes: readNow - readBefore };
      loop.reset();
      [gcMs, appendMs, readBefore] = [0, 0, readNow];
      return stalls;
    },
    takeAppends() {
      const since = taken;
      taken = { appends: 0, events: 0, bytes: 0 };
      return since;
    },
  };
}

/** Bytes that this thread read from the disk, on Linux: proc(5), /proc/[pid]/io. */
function diskRead(): number {
  if (process.platform !== "linux") return 0;
  return Number(/^read_bytes: (\d+)$/m.exec(readFileSync("/proc/thread-self/io", "utf8"))?.[1] ?? 0);
}
