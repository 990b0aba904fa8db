import type { Tracing } from "ledger-core";
import type { EventLog } from "ledger-core/event-log";
import {
  apiCheck,
  type CallerLimits,
  createEdge,
  createMetrics,
  type Identity,
  type Metrics,
  openOperationsPort,
  type ReadinessCheck,
} from "ledger-core/http";
import { type Listening, type Logger, makeClosers, type RunningService } from "ledger-core/process";
import { watchDecisionState } from "./decision-state-watch.ts";
import { registerCommands } from "./http/routes.ts";
import { measureAppends } from "./measured-log.ts";
import { traceAppends } from "./traced-log.ts";
import { openWriter, type WriterTuning } from "./writer/writer.ts";
import type { Writer } from "./writer-port.ts";

type CommandServiceOptions = {
  /** Closed by whoever opened it. */
  readonly log: EventLog;
  /** The decision state's file; made when there is none. */
  readonly stateFile: string;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Where /livez, /readyz and /metrics are served. */
  readonly operations: Listening;
  readonly identity: Identity;
  /** Closed by whoever opened them. */
  readonly callerLimits: CallerLimits;
  readonly logger: Logger;
  /** Default: nothing is traced. */
  readonly tracing?: Tracing;
  readonly rails?: readonly string[];
  /** The writer's bounds and thresholds; each field states its default. */
  readonly writer?: WriterTuning;
};

/** One shard when embedded: one writer has the whole machine. */
const SHARD = 0;
const API_VERSION = "1";

/** Starts the writer and serves the commands on their own edge. @throws the log's errors at the start */
export async function startCommandService(options: CommandServiceOptions): Promise<RunningService> {
  const { log, stateFile, host, port, identity, callerLimits, logger, rails, tracing } = options;
  const traced = tracing && traceAppends(log, tracing);
  const { revocations, quotas } = callerLimits;
  const metrics = createMetrics();
  const closers = makeClosers();
  let starting = "reading the log";
  let writer: Writer | undefined;
  const check = () => writer?.readiness() ?? { ready: false, detail: starting };
  const api = apiCheck();
  const readiness: readonly ReadinessCheck[] = [
    { name: "writer", check },
    ...identity.readiness,
    revocations.readiness,
  ];
  try {
    const operations = await openOperationsPort({ ...options, metrics, readiness: [...readiness, api] });
    closers.push(operations.close);
    const watched = watchDecisionState(logger, metrics);
    const onReplay = ({ detail }: { readonly detail: string }) => {
      starting = `reading the log: ${detail}`;
    };
    const opened = await openWriter({
      ...options.writer,
      log: measureAppends(traced?.log ?? log, metrics),
      shard: SHARD,
      stateFile,
      onReplay,
      ...watched,
    });
    writer = opened;
    measureWriter(metrics, opened);
    closers.push(() => opened.stop());
    const metricsAccess = "none";
    const app = await createEdge({
      ...{
        logger,
        authenticate: identity.authenticate,
        revocations,
        quotas,
        readiness,
        metrics,
        metricsAccess,
        referenceVersion: API_VERSION,
      },
      ...(tracing && { traces: { tracing, ...(traced && { eventAt: traced.eventAt }) } }),
    });
    closers.push(async () => {
      await app.drain();
      await app.close();
    });
    registerCommands(app, {
      writer: opened,
      sessions: { revocations, sessions: identity.sessions },
      ...(rails && { rails }),
    });
    const url = await app.listen({ host, port });
    api.opened();
    return { url, operations: operations.url, stop: closers.close };
  } catch (error) {
    await closers.close();
    throw error;
  }
}

function measureWriter(metrics: Metrics, writer: Writer): void {
  metrics.gauge("writer_queued_commands", "Commands accepted that have no answer yet.", () => writer.load().queued);
  metrics.gauge("writer_queued_bytes", "About the memory that they take.", () => writer.load().queuedBytes);
  metrics.gauge("writer_epoch", "The writer's epoch; 0 while it does not hold its shard.", () => writer.load().epoch);
}
