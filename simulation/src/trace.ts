import { createHash } from "node:crypto";
import type { Micros } from "ledger-core";

/** Records everything that happens, line by line: digests all lines and keeps the last ones for a failure's story. */
type Trace = {
  note(at: Micros, who: string, what: string): void;
  /** SHA-256 of all lines so far, 64 hex digits. */
  digest(): string;
  lines(): readonly string[];
};

/** @param keep how many of the last lines to keep */
export function makeTrace(start: Micros, keep: number): Trace {
  const hash = createHash("sha256");
  let pending = "";
  let kept: string[] = [];
  const flush = () => {
    hash.update(pending);
    pending = "";
  };
  return {
    note(at, who, what) {
      const line = `${seconds(at - start)} ${who} ${what}`;
      pending += `${line}\n`;
      if (pending.length > 65_536) flush();
      kept.push(line);
      if (kept.length > 2 * keep) kept = kept.slice(-keep);
    },
    digest() {
      flush();
      return hash.copy().digest("hex");
    },
    lines: () => kept.slice(-keep),
  };
}

/** 12345678 µs as `12.345678s`. */
function seconds(us: Micros): string {
  const whole = Math.floor(us / 1_000_000);
  return `${whole}.${String(us - whole * 1_000_000).padStart(6, "0")}s`;
}
