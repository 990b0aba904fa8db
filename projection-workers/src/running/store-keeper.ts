import { isLedgerError, type LedgerError, NO_REVISION, publicReason, type Shard } from "ledger-core";
import type { EventSource } from "ledger-core/event-log";
import { type Logger, systemRuntime } from "ledger-core/process";
import { nextStore, storeToOpen, watchStore } from "ledger-core/sql";
import { pause } from "../consumer/pause.ts";
import type { StoreFile } from "../projections/store-file.ts";
import { formerFiles, isFormer, removeFormer } from "./former-layout.ts";
import { isForeign, type Keeper, positionsIn, troubleReports } from "./keeping.ts";
import type { ProjectionReport, ProjectionTuning } from "./reports.ts";
import { setAside } from "./set-aside.ts";
import { type StoreSession, startSession } from "./store-session.ts";

/** Retry intervals of a keeper. */
export type KeeperTuning = {
  /** The first pause after a failed opening, doubled up to the second, in ms. 1 to 60,000. Default 100 and 5000. */
  readonly retryMs: { readonly first: number; readonly most: number };
  /**
   * How long damage reports are ignored after a file was set aside, in ms: they may be about the old file. Default
   * 10,000.
   */
  readonly asideEveryMs: number;
  /** How often to check whether the open file is still the one at its path, in ms. 10 to 60,000. Default 1000. */
  readonly watchMs: number;
};

export const keeperTuning: KeeperTuning = { retryMs: { first: 100, most: 5000 }, asideEveryMs: 10_000, watchMs: 1000 };

type KeeperOptions = {
  readonly file: StoreFile;
  /** The path of its first file; later ones have a number in their names. */
  readonly first: string;
  readonly shards: readonly Shard[];
  readonly log: EventSource;
  readonly logger: Logger;
  readonly keeper: Partial<KeeperTuning>;
  readonly tuning: ProjectionTuning;
  readonly tell: (report: ProjectionReport) => void;
};

/**
 * Keeps the projections of one file running. A full or failing disk is reported and retried; an unreadable file is set
 * aside and rebuilt from the log. Other files and commands are not affected.
 */
export class StoreKeeper implements Keeper {
  readonly #options: KeeperOptions;
  readonly #keeper: KeeperTuning;
  readonly #troubles: ReturnType<typeof troubleReports>;
  readonly #stopping = new AbortController();
  readonly #tried = Promise.withResolvers<void>();
  #asideAtMs = Number.NEGATIVE_INFINITY;
  #session: StoreSession | undefined;
  /** Resolves when it is stopped; rejects only on a bug. */
  readonly finished: Promise<void>;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#keeper = { ...keeperTuning, ...options.keeper };
    this.#troubles = troubleReports({ ...options, projections: options.file.projections });
    this.finished = this.#keep();
  }

  /** Resolves after the first attempt to open the file. @throws LedgerError incompatible, log_corrupt */
  get tried(): Promise<void> {
    return this.#tried.promise;
  }

  /** False when the file is not open. */
  async rebuild(name: string): Promise<boolean> {
    await this.#session?.rebuild(name);
    return this.#session !== undefined;
  }

  /** Reports that a reader found the file damaged. */
  damaged(reason: string): void {
    if (performance.now() - this.#asideAtMs >= this.#keeper.asideEveryMs) this.#session?.damage(reason);
  }

  stop(): void {
    this.#stopping.abort();
  }

  async #keep(): Promise<void> {
    const { file, first, logger } = this.#options;
    const { retryMs } = this.#keeper;
    const { signal } = this.#stopping;
    let path: string | undefined;
    let pauseMs = retryMs.first;
    while (!signal.aborted) {
      path = storeToOpen(first, path);
      try {
        if (await isFormer(file, path)) path = nextStore(first);
        const damage = await this.#openAndRun(path, () => {
          pauseMs = retryMs.first;
        });
        if (damage !== undefined && !this.#discard(path, damage)) await pause(systemRuntime, pauseMs, signal);
      } catch (error) {
        if (!isLedgerError(error)) throw error;
        if (isForeign(error)) {
          this.#tried.reject(error);
          this.#troubles.ofAll(`halted: ${publicReason(error)}`);
          return;
        }
        if (isDamage(error) && this.#discard(path, error.message)) continue;
        const about = { store: file.name, file: path, code: error.code, pauseMs, err: error };
        logger.warn(about, "read models cannot be opened");
        this.#troubles.ofAll(`retrying: ${publicReason(error)}`);
        this.#tried.resolve();
        await pause(systemRuntime, pauseMs, signal);
        pauseMs = Math.min(pauseMs * 2, retryMs.most);
      }
    }
  }

  /** Returns the damage that ended it; undefined if it was stopped. */
  async #openAndRun(path: string, onOpen: () => void): Promise<string | undefined> {
    const { file, first, shards, log, logger, tell } = this.#options;
    const troubles = this.#troubles;
    const opened = await file.open(path);
    let endWatch = () => {};
    try {
      const positions = await positionsIn(opened, shards, log);
      const former = await formerFiles(this.#options, path);
      for (const { projection, shard, revision, head } of positions)
        if (head > NO_REVISION && (former.length > 0 || revision === NO_REVISION))
          troubles.rebuilding(projection, shard);
      onOpen();
      tell({ kind: "opened", positions, rebuilding: former.length > 0 });
      this.#tried.resolve();
      const session = startSession({
        ...this.#options,
        projections: opened.projections,
        stop: this.#stopping.signal,
        onStatus: (status) => {
          troubles.ofStatus(status);
          if (former.length > 0 && troubles.isComplete()) removeFormer(this.#options, former.splice(0));
        },
      });
      this.#session = session;
      endWatch = watchStore({ first, file: path, everyMs: this.#keeper.watchMs }, session.damage);
      return await session.ended;
    } finally {
      endWatch();
      this.#session = undefined;
      const notClosed = (error: unknown) => logger.warn({ store: file.name, err: error }, "a store did not close");
      await opened.close().catch(notClosed);
    }
  }

  /** Returns whether the file was moved. */
  #discard(path: string, reason: string): boolean {
    const { file, shards, tell } = this.#options;
    if (!moveAside(this.#options, path, reason)) return false;
    for (const projection of file.projections) for (const shard of shards) this.#troubles.rebuilding(projection, shard);
    this.#asideAtMs = performance.now();
    this.#troubles.ofAll("rebuilding: the file could not be read and was set aside");
    tell({ kind: "set_aside", file: file.name });
    return true;
  }
}

/** Returns whether the file was moved. */
function moveAside({ file, first, logger }: KeeperOptions, path: string, reason: string): boolean {
  const { name: store } = file;
  try {
    const aside = setAside(first, path);
    const told = { store, file: path, aside, reason };
    logger.error(told, "read models cannot be read: set aside, to be rebuilt from the log");
    return true;
  } catch (error) {
    logger.error({ store, file: path, reason, err: error }, "read models cannot be read, nor set aside");
    return false;
  }
}

/** Damage reported by a driver, or a missing table whose migration is recorded. */
function isDamage(error: LedgerError): boolean {
  return error.code === "store_damaged" || error.code === "row_unreadable" || error.code === "incompatible";
}
