import { isLedgerError, LedgerError, NO_REVISION, publicReason, type Shard } from "ledger-core";
import type { EventLog } from "ledger-core/event-log";
import type { Logger } from "ledger-core/process";
import type { ProjectionStatus } from "projection-workers";
import { watchFile } from "./file-watch.ts";
import type { Checkpoint, StoreFile } from "./messages.ts";
import type { RebuildName } from "./rebuild-state.ts";
import { setAside } from "./set-aside.ts";
import { type KeptProjection, type StoreSession, startSession } from "./store-session.ts";

/** A file of read models, opened to be written. */
export type OpenedStore = {
  readonly projections: readonly KeptProjection[];
  close(): Promise<void>;
};

/** How a keeper tries again; bounds are those of a process that lives for years. */
export type KeeperTuning = {
  /** The first pause after a failed opening, doubled up to the second, in ms. 1 to 60,000. Default 100 and 5000. */
  readonly retryMs: { readonly first: number; readonly most: number };
  /** How long after a file was set aside nobody's word sets the next one aside, in ms: it may be of the one before. Default 10,000. */
  readonly asideEveryMs: number;
  /** How often it looks whether the open file is still the one at its path, in ms. 10 to 60,000. Default 1000. */
  readonly watchMs: number;
};

export const keeperTuning: KeeperTuning = { retryMs: { first: 100, most: 5000 }, asideEveryMs: 10_000, watchMs: 1000 };

export type KeeperOptions = {
  readonly store: StoreFile;
  readonly file: string;
  readonly names: readonly RebuildName[];
  readonly shards: readonly Shard[];
  readonly log: EventLog;
  readonly logger: Logger;
  readonly open: () => Promise<OpenedStore>;
  readonly tuning?: Partial<KeeperTuning>;
  readonly onOpened: (checkpoints: readonly Checkpoint[]) => void;
  readonly onSetAside: () => void;
  /** Why a projection does not go on, or what it is about; null when it is well. */
  readonly onTrouble: (projection: RebuildName, shard: Shard, trouble: string | null) => void;
};

export type StoreKeeper = {
  /** Settles when the file was opened, or could not be, for the first time. @throws LedgerError incompatible: a newer program's file */
  readonly tried: Promise<void>;
  /** Settles when it was stopped; rejects only on a bug. */
  readonly finished: Promise<void>;
  /** False when the file is not open. */
  rebuild(name: RebuildName): Promise<boolean>;
  /** Someone else could not read the file. */
  damaged(reason: string): void;
  stop(): void;
};

/**
 * Keeps the projections of one file going. No room, no disk: it says so and tries again. A file that cannot be read is set aside and built
 * anew from the log. The other files' projections and all commands go on meanwhile.
 */
export function keepStore(options: KeeperOptions): StoreKeeper {
  const { store, file, names, shards, log, logger } = options;
  const { retryMs, asideEveryMs, watchMs } = { ...keeperTuning, ...options.tuning };
  const stopping = new AbortController();
  const tried = Promise.withResolvers<void>();
  let anew = false;
  let asideAtMs = Number.NEGATIVE_INFINITY;
  let session: StoreSession | undefined;

  const say = (trouble: string) => {
    for (const name of names) for (const shard of shards) options.onTrouble(name, shard, trouble);
  };

  async function keep(): Promise<void> {
    let pauseMs = retryMs.first;
    while (!stopping.signal.aborted) {
      try {
        const damage = await openAndRun(() => {
          pauseMs = retryMs.first;
        });
        if (damage !== undefined) discard(damage);
      } catch (error) {
        if (!isLedgerError(error)) throw error;
        if (isForeign(error)) {
          tried.reject(error);
          say(`halted: ${publicReason(error)}`);
          return;
        }
        if (isDamage(error) && discard(error.message)) continue;
        logger.warn({ store, file, code: error.code, pauseMs, err: error }, "read models cannot be opened");
        say(`retrying: ${publicReason(error)}`);
        tried.resolve();
        await pause(pauseMs, stopping.signal);
        pauseMs = Math.min(pauseMs * 2, retryMs.most);
      }
    }
  }

  /** Answers with the damage that ended it; undefined when it was stopped. */
  async function openAndRun(onOpen: () => void): Promise<string | undefined> {
    const opened = await options.open();
    const watched = { end: () => {} };
    try {
      const checkpoints: Checkpoint[] = [];
      for (const shard of shards) {
        const head = await log.head(shard);
        for (const { name, checkpoint } of opened.projections) {
          const revision = await checkpoint(shard);
          checkpoints.push({ projection: name, shard, revision });
          if (revision > head) throw ahead(name, head, revision);
          anew ||= revision === NO_REVISION && head > NO_REVISION;
        }
      }
      onOpen();
      options.onOpened(checkpoints);
      tried.resolve();
      const started = startSession({ ...opened, shards, stop: stopping.signal, onStatus });
      session = started;
      watched.end = watchFile(file, watchMs, started.damage);
      return await session.ended;
    } finally {
      watched.end();
      session = undefined;
      await opened.close().catch((error: unknown) => logger.warn({ store, err: error }, "a store did not close"));
    }
  }

  function onStatus({ projection, shard, state, publicReason: why }: ProjectionStatus): void {
    const name = names.find((one) => one === projection);
    if (!name) return;
    if (state === "live") anew = false;
    const well = anew ? "building anew from the log" : null;
    options.onTrouble(name, shard, state === "halted" || state === "retrying" ? `${state}: ${why}` : well);
  }

  /** Whether the file is out of the way. */
  function discard(reason: string): boolean {
    try {
      const aside = setAside(file);
      logger.error(
        { store, file, aside, reason },
        "read models cannot be read: set aside, to be built anew from the log",
      );
    } catch (error) {
      logger.error({ store, file, reason, err: error }, "read models cannot be read, nor set aside");
      return false;
    }
    anew = true;
    asideAtMs = performance.now();
    say("building anew: the file could not be read and was set aside");
    options.onSetAside();
    return true;
  }

  return {
    tried: tried.promise,
    finished: keep(),
    async rebuild(name) {
      await session?.rebuild(name);
      return session !== undefined;
    },
    damaged(reason) {
      if (performance.now() - asideAtMs >= asideEveryMs) session?.damage(reason);
    },
    stop: () => stopping.abort(),
  };
}

/** A newer program's tables, or read models that saw more than the log holds: neither is ours to throw away. */
function isForeign(error: LedgerError): boolean {
  return (error.code === "incompatible" && error.cause === undefined) || error.code === "log_corrupt";
}

/** What a driver calls damage, or a table that is gone though its migration is noted. */
function isDamage(error: LedgerError): boolean {
  return error.code === "store_damaged" || error.code === "row_unreadable" || error.code === "incompatible";
}

/** Read models ahead of the log would take new events for repeats. */
function ahead(name: RebuildName, head: number, revision: number): LedgerError {
  return new LedgerError(
    "log_corrupt",
    `the log ends at ${head} and ${name} has seen ${revision}: the log was lost or is an old copy`,
  );
}

/** A pause that the signal ends early. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}
