import { readFileSync } from "node:fs";

/** The bytes that a process has given to the disk so far; NaN where the system does not tell. */
export function bytesWritten(pid: number | "self"): number {
  try {
    const [, bytes] = /^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, "utf8")) ?? [];
    return Number(bytes);
  } catch {
    return Number.NaN;
  }
}
