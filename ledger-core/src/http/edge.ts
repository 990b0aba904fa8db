import { randomBytes } from "node:crypto";
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from "fastify";
import { admitRequests } from "./admission.ts";
import { answerConnectionFault } from "./connection-faults.ts";
import { answerFault } from "./faults.ts";
import { readJsonOnly } from "./media-type.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { type MetricsAccess, measureAnswers, type ReadinessCheck, serveOperations } from "./operations.ts";
import { parseQuery } from "./query-string.ts";
import { serveReference } from "./reference.ts";
import type { Authenticator } from "./tokens.ts";
import { validatorCompiler } from "./validation.ts";

export const BODY_BYTES_MAX = 64 * 1024;
export const BULK_BODY_BYTES_MAX = 4 * 1024 * 1024;
const HEADER_BYTES_MAX = 16 * 1024;
const PARAMETER_LENGTH_MAX = 100;
const IDLE_SWEEP_MS = 20;

export type EdgeOptions = {
  readonly logger: FastifyBaseLogger;
  readonly authenticate: Authenticator;
  /** Asked by /readyz at each request; the array may grow after the edge was made. */
  readonly readiness?: readonly ReadinessCheck[];
  readonly metrics?: Metrics;
  /** Default `bearer`. */
  readonly metricsAccess?: MetricsAccess;
  /** The version that /openapi.json names; without it, neither that nor /docs is served. */
  readonly referenceVersion?: string;
  /** Within what time headers and body must arrive. Default 30,000. */
  readonly requestTimeoutMs?: number;
};

/**
 * The strict HTTP edge that commands and queries share: nothing is coerced or dropped, every route needs a token unless its
 * config says `open`, and whatever goes wrong is an RFC 9457 problem with a code of the one table.
 */
export async function createEdge(options: EdgeOptions): Promise<FastifyInstance> {
  const { logger, metrics = createMetrics(), requestTimeoutMs = 30_000 } = options;
  const nextId = requestIds();
  const app = fastify({
    loggerInstance: logger,
    // A child logger for each request would cost more than the rest of the edge; what is logged names its request itself.
    childLoggerFactory: (parent) => parent,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: nextId,
    requestIdHeader: false,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: requestTimeoutMs,
    return503OnClosing: false,
    http: {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: requestTimeoutMs,
      // Node would answer a missing Host without a body; admission answers it with a problem.
      requireHostHeader: false,
      connectionsCheckingInterval: Math.min(1000, requestTimeoutMs / 2),
    },
    routerOptions: { maxParamLength: PARAMETER_LENGTH_MAX, querystringParser: parseQuery },
    clientErrorHandler: (error, socket) => answerConnectionFault(error, socket, nextId()),
    frameworkErrors: answerFault,
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(() => (value) => JSON.stringify(value));
  app.setErrorHandler(answerFault);
  app.addHook("preClose", (done) => {
    closeWhenIdle(app);
    done();
  });
  admitRequests(app, options.authenticate);
  readJsonOnly(app);
  measureAnswers(app, metrics);
  if (options.referenceVersion !== undefined) await serveReference(app, options.referenceVersion);
  serveOperations(app, {
    readiness: options.readiness ?? [],
    metrics,
    metricsAccess: options.metricsAccess ?? "bearer",
  });
  return app;
}

/**
 * Closes each kept-alive connection when its request under way is answered. The server's own close looks at them once only, and then
 * waits for the clients to let go of those that were busy.
 */
function closeWhenIdle({ server }: FastifyInstance): void {
  if (!server.listening) return;
  const sweep = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_MS);
  server.once("close", () => clearInterval(sweep));
}

/** Ids of requests: drawn once, then counted, so that they cost nothing and are unlike another process's. */
function requestIds(): () => string {
  const prefix = randomBytes(6).toString("hex");
  let count = 0;
  return () => `${prefix}-${(count++).toString(36)}`;
}
