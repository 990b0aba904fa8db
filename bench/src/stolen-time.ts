import { readFileSync } from "node:fs";

/** CPU times since the machine started, in kernel ticks, over all cores. */
export type MachineTime = { readonly total: number; readonly stolen: number };

/** From /proc/stat: steal, the CPU time that the host of a virtual machine gave to others; null elsewhere. */
export function machineTime(): MachineTime | null {
  return process.platform === "linux" ? parseMachineTime(readFileSync("/proc/stat", "utf8")) : null;
}

/**
 * Parses proc(5)'s line `cpu user nice system idle iowait irq softirq steal guest guest_nice`; user already includes
 * the guests' time.
 */
export function parseMachineTime(stat: string): MachineTime | null {
  const ticks = /^cpu +([\d ]+)$/m.exec(stat)?.[1]?.split(" ").slice(0, 8).map(Number);
  if (ticks?.length !== 8) return null;
  return { total: ticks.reduce((sum, time) => sum + time, 0), stolen: ticks[7] ?? 0 };
}

/** The share of stolen time in a span; 0 if unknown. */
export function shareStolen(before: MachineTime | null, after: MachineTime | null): number {
  if (before === null || after === null || after.total === before.total) return 0;
  return (after.stolen - before.stolen) / (after.total - before.total);
}
