import type { Child } from "../children.ts";
import type { LoadWindow } from "../load/plan.ts";
import { machineTime, shareStolen } from "../stolen-time.ts";
import { MIB, PERCENT, type Series } from "./series.ts";

export const WINDOW_SECONDS = 10;
/** The rate of a soak, of the highest that was measured just before. */
export const SHARE_OF_BEST = 0.6;

/** The series that every soak samples, of its load and of its server's process. */
export const timed = [
  { name: "perSecond", title: "payments/s", judged: "payments/s" },
  { name: "p50Ms", title: "p50 ms", judged: "p50, ms" },
  { name: "p99Ms", title: "p99 ms", judged: "p99, ms" },
  // Every window has the same work: if this rises with the latencies for a while, the machine was slower.
  { name: "cpuUs", title: "cpu us", judged: "CPU a payment, us" },
  // The machine's CPU time that its host gave to others; 0 if unknown.
  { name: "stolen", title: "stolen %", unit: PERCENT },
  { name: "rssBytes", title: "rss MiB", unit: MIB, judged: "memory, bytes" },
] as const satisfies readonly Series<string>[];

export type TimedWindow = Readonly<Record<(typeof timed)[number]["name"] | "atSeconds", number>>;
type Usage = { readonly rssBytes: number; readonly cpuSeconds: number };

/** Measures a server window by window, from now on. */
export async function windowMeter(
  server: Pick<Child<unknown>, "ask">,
): Promise<(window: LoadWindow) => Promise<TimedWindow>> {
  const usage = () => server.ask<Usage>({ ask: "memory" });
  let { cpuSeconds } = await usage();
  let time = machineTime();
  return async ({ atSeconds, perSecond, latency: { p50Ms, p99Ms } }) => {
    const now = await usage();
    const cpuUs = ((now.cpuSeconds - cpuSeconds) * 1e6) / Math.max(1, perSecond * WINDOW_SECONDS);
    const then = machineTime();
    const stolen = shareStolen(time, then);
    [cpuSeconds, time] = [now.cpuSeconds, then];
    return { atSeconds, perSecond, p50Ms, p99Ms, cpuUs, stolen, rssBytes: now.rssBytes };
  };
}
