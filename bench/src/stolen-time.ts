import { readFileSync } from "node:fs";

/** Times since the machine started, in the kernel's ticks, over all cores. */
export type MachineTime = { readonly total: number; readonly stolen: number };

/** From /proc/stat: CPU time that the host of a virtual machine gave to others while there was work; null elsewhere. */
export function machineTime(): MachineTime | null {
  return process.platform === "linux" ? parseMachineTime(readFileSync("/proc/stat", "utf8")) : null;
}

/**
 * Reads proc(5)'s line `cpu user nice system idle iowait irq softirq steal guest guest_nice`; guests' time is in user's
 * already.
 */
export function parseMachineTime(stat: string): MachineTime | null {
  const ticks = /^cpu +([\d ]+)$/m.exec(stat)?.[1]?.split(" ").slice(0, 8).map(Number);
  if (ticks?.length !== 8) return null;
  return { total: ticks.reduce((sum, time) => sum + time, 0), stolen: ticks[7] ?? 0 };
}

/** The share of a span that was stolen; 0 where the kernel does not tell. */
export function shareStolen(before: MachineTime | null, after: MachineTime | null): number {
  if (before === null || after === null || after.total === before.total) return 0;
  return (after.stolen - before.stolen) / (after.total - before.total);
}
