import { readFileSync } from "node:fs";

/** Bytes that a process has written to the disk so far; NaN if the system does not report them. */
export function bytesWritten(pid: number | "self"): number {
  try {
    const [, bytes] = /^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, "utf8")) ?? [];
    return Number(bytes);
  } catch {
    return Number.NaN;
  }
}
