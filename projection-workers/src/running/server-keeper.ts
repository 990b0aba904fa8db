import { isLedgerError, publicReason, type Shard } from "ledger-core";
import type { EventSource } from "ledger-core/event-log";
import { type Logger, systemRuntime } from "ledger-core/process";
import { pause } from "../consumer/pause.ts";
import type { OpenedServer, StoreServer } from "../projections/store-server.ts";
import { isForeign, type Keeper, positionsIn, troubleReports } from "./keeping.ts";
import type { ProjectionReport, ProjectionTuning } from "./reports.ts";
import { type StoreSession, startSession } from "./store-session.ts";

type ServerKeeperOptions = {
  readonly server: StoreServer;
  readonly shards: readonly Shard[];
  readonly log: EventSource;
  readonly logger: Logger;
  /** The first pause after a failed opening, doubled up to the second, in ms. */
  readonly retryMs: { readonly first: number; readonly most: number };
  readonly tuning: ProjectionTuning;
  readonly tell: (report: ProjectionReport) => void;
};

/**
 * Keeps the projections of one server running. A server that is away is tried again. One that has lost events, since a
 * replica took its place that had not received them, is opened again and goes on from its own checkpoint.
 */
export function keepServer(options: ServerKeeperOptions): Keeper {
  const { server, shards, log, logger, retryMs, tell } = options;
  const troubles = troubleReports({ projections: server.projections, shards, tell });
  const stopping = new AbortController();
  const { signal } = stopping;
  const tried = Promise.withResolvers<void>();
  let session: StoreSession | undefined;

  async function keep(): Promise<void> {
    let pauseMs = retryMs.first;
    let wasOpen = false;
    while (!signal.aborted) {
      try {
        const reason = await openAndRun(() => {
          wasOpen = true;
          pauseMs = retryMs.first;
        });
        if (reason !== undefined) logger.warn({ store: server.name, reason }, "read models are opened again");
      } catch (error) {
        if (!isLedgerError(error)) throw error;
        if (isForeign(error) && !wasOpen) {
          tried.reject(error);
          troubles.ofAll(`halted: ${publicReason(error)}`);
          return;
        }
        logger.warn({ store: server.name, code: error.code, pauseMs, err: error }, "read models cannot be opened");
        troubles.ofAll(`retrying: ${publicReason(error)}`);
        tried.resolve();
      }
      await pause(systemRuntime, pauseMs, signal);
      pauseMs = Math.min(pauseMs * 2, retryMs.most);
    }
  }

  /** Returns why it must be opened again; undefined if it was stopped. */
  async function openAndRun(onOpen: () => void): Promise<string | undefined> {
    const opened = await server.open();
    try {
      const positions = await positionsIn(opened, shards, log);
      if (opened.rebuilding) for (const { projection, shard } of positions) troubles.rebuilding(projection, shard);
      onOpen();
      tell({ kind: "opened", positions, rebuilding: opened.rebuilding });
      tried.resolve();
      session = run(opened);
      return await session.ended;
    } finally {
      session = undefined;
      const notClosed = (error: unknown) => logger.warn({ store: server.name, err: error }, "a store did not close");
      await opened.close().catch(notClosed);
    }
  }

  function run(opened: OpenedServer): StoreSession {
    let completed = !opened.rebuilding;
    const started = startSession({
      ...options,
      projections: opened.projections,
      stop: signal,
      onStatus(status) {
        troubles.ofStatus(status);
        if (completed || !troubles.isComplete()) return;
        completed = true;
        void opened.complete().catch((error: unknown) => started.damage(String(error)));
      },
    });
    return started;
  }

  return {
    tried: tried.promise,
    finished: keep(),
    async rebuild(projection) {
      await session?.rebuild(projection);
      return session !== undefined;
    },
    damaged: (reason) => session?.damage(reason),
    stop: () => stopping.abort(),
  };
}
