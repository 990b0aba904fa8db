import { keepLatencies } from "./histogram.ts";
import type { LoadPlan, LoadResult, LoadWindow } from "./plan.ts";
import type { HttpReply } from "./reply.ts";

/** Counts the answers to a load, in total and in the current window. */
export type Tally = {
  count(reply: HttpReply, latencyMs: number): void;
  /** Ends the current window and starts the next. */
  window(): LoadWindow;
  result(): LoadResult;
};

const created = Buffer.from('"status":201');
const KEPT_MAX = 2_000_000;

/** Starts counting; time and CPU count from now on. */
export function startTally({ perRequest }: Pick<LoadPlan, "perRequest">): Tally {
  const whole = keepLatencies(KEPT_MAX);
  const recent = keepLatencies(KEPT_MAX);
  const startMs = performance.now();
  const startCpu = process.cpuUsage();
  let windowMs = startMs;
  let windowAcknowledged = 0;
  let acknowledged = 0;
  let refused = 0;
  let firstRefusal: string | null = null;
  return {
    count(reply, latencyMs) {
      whole.add(latencyMs);
      recent.add(latencyMs);
      const good =
        perRequest === 1 ? Number(reply.status === 201) : reply.status === 200 ? countCreated(reply.body) : 0;
      acknowledged += good;
      refused += perRequest - good;
      if (good < perRequest) firstRefusal ??= `${reply.status} ${reply.body.subarray(0, 300)}`;
    },
    window() {
      const nowMs = performance.now();
      const perSecond = ((acknowledged - windowAcknowledged) * 1000) / (nowMs - windowMs);
      const window = { atSeconds: (nowMs - startMs) / 1000, perSecond, latency: recent.summary() };
      windowMs = nowMs;
      windowAcknowledged = acknowledged;
      recent.clear();
      return window;
    },
    result() {
      const seconds = (performance.now() - startMs) / 1000;
      const { user, system } = process.cpuUsage(startCpu);
      const perSecond = acknowledged / seconds;
      const cpuSeconds = (user + system) / 1e6;
      return { acknowledged, refused, firstRefusal, seconds, perSecond, latency: whole.summary(), cpuSeconds };
    },
  };
}

function countCreated(body: Buffer): number {
  let count = 0;
  for (let at = body.indexOf(created); at >= 0; at = body.indexOf(created, at + created.length)) count++;
  return count;
}
