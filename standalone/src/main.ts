import { measureExport } from "analytics-export/embedded";
import { openWriter, registerCommands, type WriterTuning, watchDecisionState } from "command-service";
import { openLogThread } from "ledger-core/event-log";
import {
  createEdge,
  createMetrics,
  type EdgeLimits,
  embeddedSessions,
  openCallerLimits,
  type QuotaPolicies,
  type RevocationTuning,
} from "ledger-core/http";
import { authenticator } from "ledger-core/http/tokens";
import { allocateYoung, keepTicksFast, type Logger, makeClosers, systemRuntime } from "ledger-core/process";
import { namesOf, projectionChecks, Verifications, waitForProjections, watchStalls } from "projection-workers";
import { type QueryTuning, registerQueryRoutes } from "query-service";
import { registerAdmin, registerBackups } from "./admin.ts";
import { type DataFolder, openDataFolder } from "./data-folder.ts";
import { type ExportSettings, exportChecksOf, startExport } from "./export.ts";
import { watchHeads } from "./heads.ts";
import { measureReadSide, type ProjectionsTuning, startReadSide } from "./read-side.ts";
import { removeServerFile, writeServerFile } from "./server-file.ts";
import { startFaultOf } from "./start-fault.ts";

type StandaloneOptions = {
  /** The folder of all files; created if there is none. */
  readonly dataDir: string;
  /** 0: any free port. */
  readonly port: number;
  /** Default 127.0.0.1: without TLS in front, the ledger must not be reachable from elsewhere. */
  readonly host?: string;
  readonly logger: Logger;
  /** Called with a line that describes the progress of a long start. */
  readonly onProgress?: (text: string) => void;
  /**
   * How long the start waits for projections that are behind, in ms; it then serves, and /readyz says what is behind.
   * Default 60,000.
   */
  readonly catchUpMs?: number;
  /** Limits on clients' open requests; each field states its bounds and default. */
  readonly limits?: Partial<EdgeLimits>;
  /** The payment rails that top-ups and payouts may name. 1 to 50; default fps, card, bank. */
  readonly rails?: readonly string[];
  /** The writer's bounds and thresholds; each field states its default. */
  readonly writer?: WriterTuning;
  /** The queries' limits and those of their threads; each field states its default. */
  readonly queries?: QueryTuning;
  /** How the projections batch and retry; each field states its default. */
  readonly projections?: ProjectionsTuning;
  /** How revoked tokens are kept; each field states its default. */
  readonly revocations?: RevocationTuning;
  /** How many requests callers may make. Default: any number. */
  readonly quotas?: QuotaPolicies;
  /** The export of the history, set by the environment. Default: none. */
  readonly exported?: ExportSettings;
};

export type Standalone = {
  readonly url: string;
  /** Accepts nothing more, answers what was accepted, and closes everything. */
  stop(): Promise<void>;
};

/** One shard when embedded: one writer has the whole machine. */
const SHARDS = 1;
const API_VERSION = "1";

/**
 * The whole ledger in one process on one folder.
 * @throws StartFault if folder or port is unavailable; nothing is left open then
 */
export async function startStandalone(options: StandaloneOptions): Promise<Standalone> {
  const { dataDir, port, logger, onProgress = () => {} } = options;
  allocateYoung();
  const releaseTicks = keepTicksFast();
  const closers = makeClosers();
  closers.push(async () => releaseTicks());
  try {
    const folder = await openDataFolder(dataDir);
    const logThread = await openLogThread({ file: folder.events });
    closers.push(() => logThread.close());
    const { log, head } = await watchHeads(logThread.log, SHARDS);
    const logPort = logThread.connect();
    const readSide = await startReadSide({ ...options, folder, logPort, shards: SHARDS, head });
    closers.push(() => readSide.stop());
    const { projections } = readSide;
    const metrics = createMetrics();
    const { revocations, quotas, close: closeLimits } = await openLimits(folder, options);
    closers.push(closeLimits);
    const writer = await openWriter({
      ...options.writer,
      log,
      shard: 0,
      stateFile: folder.state,
      onReplay: ({ detail }) => onProgress(`decision state: ${detail}`),
      ...watchDecisionState(logger, metrics),
    });
    closers.push(() => writer.stop());
    const { connect } = logThread;
    const lake = options.exported && startExport(options.exported, { ...folder, connect, shards: SHARDS, logger });
    if (lake) closers.push(() => lake.stop());
    const places = { ...options.projections, projections, shards: SHARDS, head };
    const stalls = watchStalls({ ...places, names: namesOf({}) }, { ...places, logger, runtime: systemRuntime });
    closers.push(async () => stalls.stop());
    const lag = { ...places, stalls };
    await waitForProjections(lag, options.catchUpMs ?? 60_000, onProgress);

    const app = await createEdge({
      ...edgeOptions(folder, options, { revocations, quotas }),
      metrics,
      readiness: [
        { name: "writer", check: () => writer.readiness() },
        ...projectionChecks(lag),
        revocations.readiness,
        ...exportChecksOf(lake),
      ],
    });
    closers.push(async () => {
      await app.drain();
      await app.close();
    });
    const { rails } = options;
    registerCommands(app, { writer, sessions: { revocations, sessions: embeddedSessions }, ...(rails && { rails }) });
    registerQueryRoutes(app, { ...readSide.routes, shards: SHARDS, ...queryLimits(options) });
    const verifications = new Verifications({
      ...{ dir: folder.dir, shards: SHARDS, projections, logger, connectLog: connect },
    });
    closers.push(() => verifications.stop());
    registerAdmin(app, lag, projections, verifications);
    closers.push(registerBackups(app, { dataDir, shards: SHARDS, connectLog: connect, logger }));
    measureReadSide(metrics, readSide, lag);
    if (lake) measureExport(metrics, lake, head);
    const url = await app.listen({ host: options.host ?? "127.0.0.1", port });
    writeServerFile(folder.dir, { url, pid: process.pid });
    closers.push(async () => removeServerFile(folder.dir));
    return { url, stop: closers.close };
  } catch (error) {
    await closers.close();
    throw startFaultOf(error, { dataDir, port });
  }
}

function openLimits(folder: DataFolder, { quotas = {}, revocations, logger }: StandaloneOptions) {
  return openCallerLimits({
    ...{ file: folder.revocations, writes: true, policies: quotas, logger },
    ...(revocations && { tuning: revocations }),
  });
}

function queryLimits({ queries }: StandaloneOptions) {
  return queries?.limits && { limits: queries.limits };
}

type Limits = Pick<Awaited<ReturnType<typeof openLimits>>, "revocations" | "quotas">;

/** How the HTTP edge knows its callers, and what they may do. */
function edgeOptions(folder: DataFolder, { logger, limits }: StandaloneOptions, { revocations, quotas }: Limits) {
  const authenticate = authenticator([folder.signingKeys.publicKey], { revocations });
  return { logger, authenticate, revocations, quotas, referenceVersion: API_VERSION, ...(limits && { limits }) };
}
