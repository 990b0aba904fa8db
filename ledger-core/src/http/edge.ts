import { randomBytes } from "node:crypto";
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from "fastify";
import type { Tracing } from "../ports/tracing.ts";
import { admitRequests, readmission } from "./admission.ts";
import { holdContinue } from "./body-reader.ts";
import { answerConnectionFault } from "./connection-faults.ts";
import { Connections } from "./connections.ts";
import { answerFault } from "./faults.ts";
import { BODY_BYTES_MAX, type EdgeLimits, edgeLimits } from "./limits.ts";
import { readJsonOnly } from "./media-type.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { type MetricsAccess, measureAnswers, type ReadinessCheck, serveOperations } from "./operations.ts";
import type { Quotas } from "./quotas.ts";
import { serveReference } from "./reference/serve.ts";
import { Refusals } from "./refusals.ts";
import { logRequests } from "./request-lines.ts";
import type { RevocationList } from "./revocation-list.ts";
import { type Authenticator, unauthorized } from "./tokens.ts";
import { type RequestTracing, traceRequests } from "./traced-requests.ts";
import { UnderWay } from "./under-way.ts";
import { parseQuery } from "./urls.ts";
import { validatorCompiler } from "./validation.ts";

const HEADER_BYTES_MAX = 16 * 1024;

export type EdgeOptions = {
  readonly logger: FastifyBaseLogger;
  readonly authenticate: Authenticator;
  /** The list that `authenticate` looks at. Default: nothing is revoked. */
  readonly revocations?: RevocationList;
  /** Default: callers may make any number of requests. */
  readonly quotas?: Quotas;
  /** Asked by /readyz at each request; the array may grow after the edge was made. */
  readonly readiness?: readonly ReadinessCheck[];
  readonly metrics?: Metrics;
  /** Default `bearer`. */
  readonly metricsAccess?: MetricsAccess;
  /** The version that /openapi.json names; without it, neither that nor /docs is served. */
  readonly referenceVersion?: string;
  /** Limits on clients; each field states its default. */
  readonly limits?: Partial<EdgeLimits>;
  /** Default: requests are not traced. */
  readonly traces?: RequestTracing;
};

declare module "fastify" {
  interface FastifyInstance {
    /**
     * Accepts nothing new, answers every request that had arrived whole, closes every connection. Await it before
     * `close`.
     */
    drain(): Promise<void>;
    /**
     * Authenticates a caller again if tokens were revoked since the request began; usually returns at once. A query
     * calls it after it has waited.
     */
    readmit(request: FastifyRequest): undefined | Promise<unknown>;
  }
}

/**
 * The strict HTTP edge that commands and queries share: nothing is coerced or dropped, every route needs a token unless
 * its config says `open`, and every error is an RFC 9457 problem with a code from one table.
 */
export async function createEdge(options: EdgeOptions): Promise<FastifyInstance> {
  const { metrics = createMetrics() } = options;
  const { app, connections, underWay, refusals } = strictEdge(options);
  measureAnswers(app, metrics);
  refusals.measure(metrics);
  logRequests(app);
  if (options.traces) traceRequests(app, options.traces);
  measureLoad(metrics, connections, underWay);
  if (options.quotas) measureQuotas(metrics, options.quotas);
  if (options.revocations) measureRevocations(metrics, options.revocations);
  if (options.referenceVersion !== undefined) await serveReference(app, options.referenceVersion);
  serveOperations(app, {
    readiness: options.readiness ?? [],
    metrics,
    metricsAccess: options.metricsAccess ?? "bearer",
  });
  return app;
}

/** /livez, /readyz and /metrics on a port of their own. */
export type OperationsPort = { readonly url: string; close(): Promise<void> };

export type OperationsPortOptions = {
  readonly logger: FastifyBaseLogger;
  /** Asked at each request; the array may grow. */
  readonly readiness: readonly ReadinessCheck[];
  readonly metrics: Metrics;
  readonly operations: { readonly host: string; readonly port: number };
  readonly tracing?: Tracing;
};

/**
 * Opens that port, which needs no token: the network decides who reaches it. A service opens it first and closes it
 * last, so that it can be asked why it does not serve.
 */
export async function openOperationsPort(options: OperationsPortOptions): Promise<OperationsPort> {
  const refuse = () => {
    throw unauthorized("This port serves no caller.");
  };
  const { metrics, tracing } = options;
  metrics.gauge("trace_spans_queued", "Spans that wait for the receiver of traces.", () => tracing?.load().queued ?? 0);
  metrics.gauge(
    "trace_spans_dropped",
    "Spans dropped since the start: the receiver is away or too slow.",
    () => tracing?.load().dropped ?? 0,
  );
  const { app } = strictEdge({ logger: options.logger, authenticate: refuse });
  serveOperations(app, { ...options, metricsAccess: "open" });
  const url = await app.listen(options.operations);
  return {
    url,
    async close() {
      await app.drain();
      await app.close();
    },
  };
}

function strictEdge(options: Pick<EdgeOptions, "logger" | "authenticate" | "limits" | "revocations" | "quotas">) {
  const { logger, authenticate, revocations = { version: 0 } } = options;
  const limits = { ...edgeLimits, ...options.limits };
  const { requestTimeoutMs } = limits;
  const nextId = requestIds();
  const app = fastify({
    loggerInstance: logger,
    // A child logger per request would cost more than the rest of the edge; log lines name their request themselves.
    childLoggerFactory: (parent) => parent,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: nextId,
    requestIdHeader: false,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveMs,
    return503OnClosing: false,
    http: {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: requestTimeoutMs,
      // Node would answer a missing Host without a body; admission answers it with a problem.
      requireHostHeader: false,
      connectionsCheckingInterval: Math.min(1000, requestTimeoutMs / 2),
    },
    routerOptions: { maxParamLength: HEADER_BYTES_MAX, querystringParser: parseQuery },
    clientErrorHandler: (error, socket) => answerConnectionFault(error, socket, nextId()),
    frameworkErrors: answerFault,
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(() => (value) => JSON.stringify(value));
  app.setErrorHandler(answerFault);
  const connections = new Connections(app, limits, nextId);
  const underWay = new UnderWay(limits);
  const refusals = new Refusals();
  app.decorate("refused", refusals.count);
  app.decorate("drain", () => connections.drain());
  app.addHook("preClose", () => connections.drain());
  holdContinue(app);
  app.decorate("readmit", readmission({ authenticate, revocations }));
  admitRequests(app, { authenticate, connections, underWay, revocations, quotas: options.quotas });
  readJsonOnly(app);
  return { app, connections, underWay, refusals };
}

function measureLoad(metrics: Metrics, connections: Connections, underWay: UnderWay): void {
  metrics.gauge("http_connections_open", "Open connections.", () => connections.open);
  metrics.gauge("http_connections_refused", "Connections refused since the start.", () => connections.refused);
  metrics.gauge("http_requests_under_way", "Requests admitted, whose answers are not sent.", () => underWay.requests);
  metrics.gauge("http_body_bytes_under_way", "Announced bytes of their bodies.", () => underWay.bytes);
  metrics.gauge("http_callers_under_way", "Callers that have requests under way.", () => underWay.callers);
}

function measureQuotas(metrics: Metrics, quotas: Quotas): void {
  const failures = "Exchanges of counts that failed: each process counts by itself then.";
  metrics.gauge("quota_exchange_failures", failures, () => quotas.failures);
  const uncounted = "Requests since the start that no quota counted: too many callers had some.";
  metrics.gauge("quota_uncounted_requests", uncounted, () => quotas.uncounted);
}

function measureRevocations(metrics: Metrics, revocations: RevocationList): void {
  metrics.gauge("revocations_kept", "Revoked tokens and sessions that are looked at.", () => revocations.size);
  metrics.gauge("revocations_age_seconds", "Time since their store was read.", () => revocations.ageMs() / 1000);
}

/** Request ids: a random prefix per process, then a counter. */
function requestIds(): () => string {
  const prefix = randomBytes(6).toString("hex");
  let count = 0;
  return () => `${prefix}-${(count++).toString(36)}`;
}
