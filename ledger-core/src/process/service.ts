import { openTracing } from "../adapters/open-tracing.ts";
import { isLedgerError, LedgerError } from "../domain/errors.ts";
import type { Tracing } from "../ports/tracing.ts";
import {
  type Configuration,
  type ConfigurationPart,
  type ConfigurationParts,
  combinedParts,
  readConfiguration,
} from "./configuration.ts";
import { stopOnSignals, stopWithChannel, stopWithParent } from "./lifecycle.ts";
import { createLogger, type Logger } from "./log.ts";
import { type Listening, operationsPart } from "./service-parts.ts";
import { tracingPart } from "./tracing-part.ts";

/** A running service. `url`: its API, if it has one; `operations`: /livez, /readyz and /metrics. */
export type RunningService = { readonly url?: string; readonly operations: string; stop(): Promise<void> };

export type ServiceDefinition<Parts extends ConfigurationParts> = {
  readonly name: string;
  /** The default port of /livez, /readyz and /metrics. */
  readonly operationsPort: number;
  readonly parts: Parts;
  /** @throws LedgerError if the service cannot start; nothing is left open then */
  readonly start: (
    configuration: Configuration<Parts>,
    context: { readonly logger: Logger; readonly operations: Listening; readonly tracing?: Tracing },
  ) => Promise<RunningService>;
};

/** A service that can run as its own process. */
export type ServiceProcess = {
  readonly name: string;
  readonly part: ConfigurationPart<unknown>;
  /**
   * Runs the service as this process: prints its addresses as one line of JSON, and stops in order, with exit code 0,
   * on SIGTERM or SIGINT. If it cannot start, logs why and exits with 1, or with 2 if a setting is at fault.
   */
  run(): Promise<void>;
};

const EXIT_NOT_STARTED = 1;
const EXIT_CONFIGURATION = 2;
/** Time limit of an orderly stop. */
const STOP_BOUND_MS = 10_000;

export function serviceProcess<Parts extends ConfigurationParts>(definition: ServiceDefinition<Parts>): ServiceProcess {
  const { name, start } = definition;
  const parts = {
    own: combinedParts(definition.parts),
    service: operationsPart(definition.operationsPort),
    traces: tracingPart,
  };
  return {
    name,
    part: combinedParts(parts),
    async run() {
      let logger = createLogger({ name, level: "info" });
      try {
        const { own, service, traces } = readConfiguration(parts);
        logger = createLogger({ name, level: service.logLevel });
        const tracing = await openTracing(traces, { service: name, logger });
        const context = { logger, operations: service.operations, ...(tracing && { tracing }) };
        const { url, operations, stop } = await start(own, context);
        const stopAll = () => stop().finally(() => tracing?.close());
        stopOnSignals({ stop: stopAll, boundMs: STOP_BOUND_MS, logger });
        if (service.endsWithParent) stopWithParent();
        stopWithChannel();
        // A supervisor that reads no more ends nothing.
        process.stdout.on("error", () => {});
        process.stdout.write(`${JSON.stringify({ service: name, url, operations, pid: process.pid })}\n`);
      } catch (error) {
        const fault = listenFault(error) ?? error;
        if (!isLedgerError(fault)) throw fault;
        logger.fatal({ code: fault.code, err: fault }, "the service does not start");
        process.exitCode = fault.code === "config" ? EXIT_CONFIGURATION : EXIT_NOT_STARTED;
      }
    },
  };
}

/** Turns a failure to listen into the settings fault that it is. */
function listenFault(error: unknown): LedgerError | undefined {
  if (!(error instanceof Error && "syscall" in error && "code" in error)) return undefined;
  if (error.syscall !== "listen" && error.syscall !== "getaddrinfo") return undefined;
  const settings = "set LEDGER_PORT and LEDGER_OPERATIONS_PORT, or their HOST, to an address that is free";
  return new LedgerError("config", `cannot listen: ${error.message}; ${settings}`);
}
