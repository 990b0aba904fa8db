import { join } from "node:path";
import type { Shard } from "ledger-core";
import type { EventSource } from "ledger-core/event-log";
import type { Logger } from "ledger-core/process";
import type { SessionStore } from "ledger-core/redis";
import { shareReading } from "../consumer/shared-reading.ts";
import { fileOf, storeFiles } from "../projections/list.ts";
import type { StoreFile } from "../projections/store-file.ts";
import type { StoreServer } from "../projections/store-server.ts";
import { keepSessions } from "./keep-sessions.ts";
import type { Keeper } from "./keeping.ts";
import { newRebuild } from "./rebuild-state.ts";
import type { ProjectionOrder, ProjectionReport, ProjectionTuning } from "./reports.ts";
import { keepServer } from "./server-keeper.ts";
import { type KeeperTuning, keeperTuning, StoreKeeper } from "./store-keeper.ts";

type KeepOptions = {
  /** The folder of the files of read models. */
  readonly dir: string;
  /** Default: all. */
  readonly files?: readonly StoreFile[];
  /** The first file of a store, by its name, if it is not in the folder. */
  readonly firstFiles?: Readonly<Record<string, string>>;
  /** Stores of projections in servers. Default: none. */
  readonly servers?: readonly StoreServer[];
  /** Session views in Redis, if it keeps them. */
  readonly sessions?: SessionStore | undefined;
  readonly log: EventSource;
  readonly shards: readonly Shard[];
  readonly logger: Logger;
  readonly tell: (report: ProjectionReport) => void;
  /** How files are reopened; each field states its default. */
  readonly keeper?: Partial<KeeperTuning>;
  readonly tuning?: ProjectionTuning;
};

type KeptProjections = {
  /**
   * Resolves after the first attempt to open each file, successful or not.
   * @throws LedgerError incompatible, log_corrupt
   */
  readonly tried: Promise<void>;
  /** Resolves when all have stopped; rejects only on a bug. */
  readonly finished: Promise<void>;
  obey(order: ProjectionOrder): void;
};

/** The path of a store's first file. */
export function pathOf(dir: string, { name }: Pick<StoreFile, "name">): string {
  return join(dir, `${name}.sqlite`);
}

/** Runs the projections of these files on one reading of the log. Files are independent of each other. */
export function keepProjections(options: KeepOptions): KeptProjections {
  const { dir, tell, tuning = {} } = options;
  const log = shareReading(options.log, tuning);
  /** By the name of their file or server. */
  const keepers = new Map<string, Keeper>();
  for (const file of options.files ?? storeFiles) {
    const keeper = new StoreKeeper({
      ...options,
      ...{
        log,
        file,
        first: options.firstFiles?.[file.name] ?? pathOf(dir, file),
        keeper: options.keeper ?? {},
        tuning,
      },
    });
    keepers.set(file.name, keeper);
  }
  const { retryMs } = { ...keeperTuning, ...options.keeper };
  for (const server of options.servers ?? []) {
    keepers.set(server.name, keepServer({ ...options, log, server, retryMs, tuning }));
  }
  const all = [...keepers.values()];
  const sessions = options.sessions && keepSessions({ ...options, tuning, log, store: options.sessions });

  async function rebuildOne(projection: string): Promise<void> {
    if (await keepers.get(fileOf(projection).name)?.rebuild(projection)) return;
    const detail = "the file is not open now: it is tried again, or rebuilt, by itself";
    tell({ kind: "rebuild", state: { ...newRebuild(projection), status: "failed", detail } });
  }

  return {
    tried: Promise.all(all.map((keeper) => keeper.tried)).then(() => undefined),
    finished: Promise.all([...all, ...(sessions ? [sessions] : [])].map(({ finished }) => finished)).then(
      () => undefined,
    ),
    obey(order) {
      switch (order.kind) {
        case "stop":
          for (const keeper of all) keeper.stop();
          sessions?.stop();
          return;
        case "rebuild":
          void rebuildOne(order.projection);
          return;
        case "damaged":
          keepers.get(order.file)?.damaged(order.reason);
          return;
        default:
          order satisfies never;
      }
    },
  };
}
