import type { EventLog } from "ledger-core/event-log";
import { type Authenticator, createEdge, createMetrics } from "ledger-core/http";
import type { Logger, RunningService } from "ledger-core/process";
import { watchDecisionState } from "./decision-state-watch.ts";
import { registerCommands } from "./http/routes.ts";
import { openWriter, type WriterTuning } from "./writer/writer.ts";

export type CommandServiceOptions = {
  /** Closed by whoever opened it. */
  readonly log: EventLog;
  /** The decision state's file; made when there is none. */
  readonly stateFile: string;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly authenticate: Authenticator;
  readonly logger: Logger;
  readonly rails?: readonly string[];
  /** The writer's bounds and thresholds; each field states its default. */
  readonly writer?: WriterTuning;
};

/** One shard when embedded: one writer has the whole machine. */
const SHARD = 0;
const API_VERSION = "1";

/** The writer of the log, and the commands on an edge of their own. @throws what the log throws at the start */
export async function startCommandService(options: CommandServiceOptions): Promise<RunningService> {
  const { log, stateFile, host, port, authenticate, logger, rails } = options;
  const metrics = createMetrics();
  const watched = watchDecisionState(logger, metrics);
  const writer = await openWriter({ ...options.writer, log, shard: SHARD, stateFile, ...watched });
  const readiness = [{ name: "writer", check: () => writer.readiness() }];
  const app = await createEdge({ logger, authenticate, readiness, metrics, referenceVersion: API_VERSION });
  registerCommands(app, { writer, ...(rails && { rails }) });
  const stop = async () => {
    await app.drain();
    await app.close();
    await writer.stop();
  };
  try {
    return { url: await app.listen({ host, port }), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
