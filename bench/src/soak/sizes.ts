import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** Bytes of a data folder's files, by kind. */
export type Sizes = {
  readonly logBytes: number;
  readonly stateBytes: number;
  readonly modelsBytes: number;
  readonly lakeBytes: number;
  /** Write-ahead logs of all. */
  readonly walBytes: number;
};

/** Each file below a folder, by its path in there. A file that goes meanwhile is left out. */
export function filesIn(folder: string): Record<string, number> {
  const found = readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => {
    const stat = statSync(join(folder, name), { throwIfNoEntry: false });
    return [name, stat?.isFile() ? stat.size : 0] as const;
  });
  return Object.fromEntries(found);
}

export function sizesOf(files: Readonly<Record<string, number>>): Sizes {
  const sum = (of: (file: string) => boolean) =>
    Object.entries(files).reduce((total, [file, bytes]) => total + (of(file) ? bytes : 0), 0);
  const isWal = (file: string) => file.endsWith("-wal");
  const begins = (name: RegExp) => sum((file) => name.test(file) && !isWal(file));
  return {
    logBytes: begins(/^events/),
    stateBytes: begins(/^state/),
    modelsBytes: begins(/^(models|views|graph)/),
    lakeBytes: begins(/^lake\//),
    walBytes: sum(isWal),
  };
}
