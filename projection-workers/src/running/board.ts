import { NO_REVISION, type Revision, type Shard } from "ledger-core";
import { storeFiles } from "../projections/list.ts";
import { newRebuild, type RebuildState } from "./rebuild-state.ts";
import type { ProjectionReport } from "./reports.ts";

/** Latest known state of every projection, from the reports of their runner. */
export type ProjectionBoard = {
  /** The last event that a projection has applied; NO_REVISION until it has reported. */
  revision(projection: string, shard: Shard): Revision;
  /** Why a projection of a shard is not running normally; undefined when it is. */
  trouble(projection: string, shard: Shard): string | undefined;
  /** Calls the listener after every report; returns a function that unsubscribes. */
  wake(listener: () => void): () => void;
  /** How often a file was set aside since the start. */
  setAside(file: string): number;
  rebuildState(projection: string): RebuildState | undefined;
};

/** Resolves at the next report, or after 100 ms. */
export function nextMove({ wake }: Pick<ProjectionBoard, "wake">): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      asleep();
      resolve();
    };
    const timer = setTimeout(done, 100);
    const asleep = wake(done);
  });
}

type WrittenBoard = ProjectionBoard & {
  take(report: ProjectionReport): void;
  /** Records a requested rebuild; `begun` is false when one of the same projection is already running. */
  beginRebuild(projection: string): { readonly begun: boolean; readonly state: RebuildState };
};

export function createBoard(shards: number): WrittenBoard {
  const positions = new Map<string, Revision>();
  const troubles = new Map<string, string>();
  const rebuilds = new Map<string, RebuildState>();
  const asides = new Map<string, number>();
  const listeners = new Set<() => void>();
  const key = (projection: string, shard: Shard) => `${projection}:${shard}`;

  function note(report: ProjectionReport): void {
    switch (report.kind) {
      case "opened":
        for (const { projection, shard, revision } of report.positions) positions.set(key(projection, shard), revision);
        return;
      case "moved":
        positions.set(key(report.projection, report.shard), report.revision);
        return;
      case "trouble":
        if (report.trouble === null) troubles.delete(key(report.projection, report.shard));
        else troubles.set(key(report.projection, report.shard), report.trouble);
        return;
      case "set_aside":
        for (const { projections } of storeFiles.filter(({ name }) => name === report.file))
          for (const name of projections)
            for (let shard = 0; shard < shards; shard++) positions.set(key(name, shard), NO_REVISION);
        asides.set(report.file, (asides.get(report.file) ?? 0) + 1);
        return;
      case "rebuild":
        rebuilds.set(report.state.projection, report.state);
        return;
      case "started":
      case "refused":
        return;
      default:
        report satisfies never;
    }
  }

  return {
    take(report) {
      note(report);
      for (const listener of listeners) listener();
    },
    beginRebuild(projection) {
      const known = rebuilds.get(projection);
      if (known?.status === "running") return { begun: false, state: known };
      const state = newRebuild(projection);
      rebuilds.set(projection, state);
      return { begun: true, state };
    },
    revision: (projection, shard) => positions.get(key(projection, shard)) ?? NO_REVISION,
    trouble: (projection, shard) => troubles.get(key(projection, shard)),
    wake(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    setAside: (file) => asides.get(file) ?? 0,
    rebuildState: (projection) => rebuilds.get(projection),
  };
}
