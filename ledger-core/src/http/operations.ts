import type { FastifyInstance } from "fastify";
import { type AnswerSeries, measureAnswerTimes } from "./answer-times.ts";
import type { Metrics } from "./metrics.ts";
import { type ProblemCode, problemKinds } from "./problem-codes.ts";
import { Problem } from "./problems.ts";

/** Called at each /readyz: whether this part serves, and why not. */
export type ReadinessCheck = {
  readonly name: string;
  check(): { readonly ready: boolean; readonly detail: string };
};

/** The check of a service's API, which opens after the port that serves /readyz. */
export function apiCheck(): ReadinessCheck & { opened(): void } {
  let open = false;
  return {
    name: "api",
    opened() {
      open = true;
    },
    check: () => ({ ready: open, detail: open ? "open" : "not yet open" }),
  };
}

/** Who may read /metrics here: a platform token, anybody (on a port of its own), or nobody. */
export type MetricsAccess = "bearer" | "open" | "none";

const text = "text/plain; charset=utf-8";

/** GET /livez, /readyz, /metrics and /problems/<code>. */
export function serveOperations(
  app: FastifyInstance,
  options: { readiness: readonly ReadinessCheck[]; metrics: Metrics; metricsAccess: MetricsAccess },
): void {
  app.get("/livez", { config: { open: true, probe: true }, schema: { hide: true } }, () => ({ status: "ok" }));
  app.get("/readyz", { config: { open: true, probe: true }, schema: { hide: true } }, (_request, reply) => {
    const checks = options.readiness.map((part) => ({ name: part.name, ...part.check() }));
    const ready = checks.every((check) => check.ready);
    return reply.code(ready ? 200 : 503).send({ status: ready ? "ready" : "not_ready", checks });
  });
  if (options.metricsAccess !== "none") {
    const config = options.metricsAccess === "open" ? { open: true } : { roles: ["platform"] as const };
    const { registry } = options.metrics;
    app.get("/metrics", { config, schema: { hide: true } }, async (_request, reply) =>
      reply.type(registry.contentType).send(await registry.metrics()),
    );
  }
  app.get("/problems", { config: { open: true }, schema: { hide: true } }, (_request, reply) =>
    reply.type(text).send([...problemKinds.keys()].map(describeProblem).join("\n")),
  );
  app.get<{ Params: { code: string } }>(
    "/problems/:code",
    { config: { open: true }, schema: { hide: true } },
    (request, reply) => {
      const { code } = request.params;
      if (!problemKinds.has(code)) throw new Problem("route_not_found", "There is no problem with this code.");
      return reply.type(text).send(describeProblem(code));
    },
  );
}

function describeProblem(code: ProblemCode | string): string {
  const kind = problemKinds.get(code);
  return kind ? `${code} (${kind.status})\n${kind.title}\n${kind.meaning}\n` : "";
}

/** Counts and times every answer by route and status. */
export function measureAnswers(app: FastifyInstance, { registry }: Metrics): void {
  const seriesOf = measureAnswerTimes(registry);
  // By the route's config, which is one object per route and method.
  const known = new Map<object, Map<number, AnswerSeries>>();
  app.addHook("onResponse", (request, reply, done) => {
    const { url = "none", config } = request.routeOptions;
    const { statusCode } = reply;
    let series = known.get(config)?.get(statusCode);
    if (series === undefined) {
      series = seriesOf({ method: request.method, route: url, status: String(statusCode) });
      if (!request.is404) known.set(config, (known.get(config) ?? new Map()).set(statusCode, series));
    }
    series.observe(reply.elapsedTime / 1000);
    done();
  });
}
