import { execFileSync } from "node:child_process";
import { statfsSync } from "node:fs";
import type { LiveService, StartedEngines } from "../engines/start.ts";

/** Something that goes wrong, and is mended again. */
export type ChaosFault = {
  /** Faults of one target exclude each other. */
  readonly target: string;
  readonly kind: string;
  begin(): unknown;
  end(): unknown;
};

/** All faults of running engines and services, and of their disk if it is ours. */
export function chaosFaults({ faults, processes }: StartedEngines, disk: Disk | undefined): readonly ChaosFault[] {
  return [
    ...Object.entries(faults).flatMap(([target, { link, kill, start, others = [] }]) => [
      { target, kind: "killed", begin: kill, end: start },
      { target, kind: "cut off", begin: link.cut, end: link.mend },
      { target, kind: "stalled", begin: link.hold, end: link.mend },
      { target, kind: "muted", begin: link.mute, end: link.mend },
      ...others.map((other) => ({ target, ...other })),
    ]),
    ...(disk ? [{ target: "disk", kind: "full", begin: disk.fill, end: disk.free }] : []),
    ...processes.flatMap(serviceFaults),
  ];
}

function serviceFaults(service: LiveService): readonly ChaosFault[] {
  const { name: target } = service;
  return [
    { target, kind: "killed", begin: () => service.end("SIGKILL"), end: service.start },
    { target, kind: "restarted", begin: () => service.end("SIGTERM"), end: service.start },
    { target, kind: "paused", begin: service.pause, end: service.resume },
  ];
}

/** A disk of its own for a data folder, which can be filled up. */
export type Disk = { fill(): void; free(): void; remove(): void };

const FREE = "1g";
const LEFT_BLOCKS = 8;

/** Mounts a disk in memory on a folder; undefined where that is not permitted. */
export function mountDisk(folder: string): Disk | undefined {
  const mount = (...args: readonly string[]) => execFileSync("mount", args, { stdio: "ignore" });
  try {
    mount("-t", "tmpfs", "-o", `size=${FREE}`, "tmpfs", folder);
  } catch {
    return undefined;
  }
  return {
    fill() {
      const { blocks, bfree, bsize } = statfsSync(folder);
      mount("-o", `remount,size=${(blocks - bfree + LEFT_BLOCKS) * bsize}`, folder);
    },
    free: () => void mount("-o", `remount,size=${FREE}`, folder),
    remove: () => void execFileSync("umount", [folder]),
  };
}
