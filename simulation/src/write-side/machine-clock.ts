import type { Micros } from "ledger-core";

/**
 * The wall clock of one machine, which may be set and may drift. Durations come from another clock, which is always
 * right.
 */
export type MachineClock = {
  /** Its lead over true time. Assigning sets the clock. */
  offsetUs: Micros;
  /** Its drift from true time, in parts per million. */
  driftPpm: number;
  now(): Micros;
  /**
   * Whether the clock has read this time, counting readings it would have had up to a second after it was set: a writer
   * must follow a correction within that second.
   */
  said(at: Micros): boolean;
};

/** A stretch without a change: from true time `from`, the clock starts at `reading` and runs at `rate`. */
type Stretch = { readonly from: Micros; readonly reading: Micros; readonly rate: number };

const FOLLOWED_US = 1_000_000;
/** Tolerance: readings are in milliseconds, and interpolated. */
const EXACT_US = 2_000;

export function makeMachineClock(trueTime: () => Micros): MachineClock {
  const stretches: Stretch[] = [{ from: trueTime(), reading: trueTime(), rate: 1 }];
  const last = () => stretches.at(-1) ?? { from: 0, reading: 0, rate: 1 };

  function reading({ from, reading: at, rate }: Stretch, now: Micros): Micros {
    return at + Math.floor((now - from) * rate);
  }
  function change(offsetUs: Micros, rate: number): void {
    const now = trueTime();
    stretches.push({ from: now, reading: now + offsetUs, rate });
  }

  return {
    get offsetUs() {
      return reading(last(), trueTime()) - trueTime();
    },
    set offsetUs(offsetUs) {
      change(offsetUs, last().rate);
    },
    get driftPpm() {
      return (last().rate - 1) * 1_000_000;
    },
    set driftPpm(ppm) {
      change(reading(last(), trueTime()) - trueTime(), 1 + ppm / 1_000_000);
    },
    now: () => reading(last(), trueTime()),
    said(at) {
      return stretches.some((stretch, index) => {
        const when = stretch.from + (at - stretch.reading) / stretch.rate;
        const next = stretches[index + 1];
        const end = next ? next.from + FOLLOWED_US : trueTime();
        return when >= stretch.from - EXACT_US && when <= end + EXACT_US;
      });
    },
  };
}
