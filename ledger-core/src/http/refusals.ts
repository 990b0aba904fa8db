import { Counter } from "prom-client";
import type { Metrics } from "./metrics.ts";
import { problemKinds } from "./problem-codes.ts";

declare module "fastify" {
  interface FastifyInstance {
    /** Counts a refusal by its code, of a request or of a bulk's item. */
    refused(code: string): void;
  }
}

/** Refusals by code, as plain numbers: a bulk may hold thousands, and prom-client's `inc` costs 1 µs. */
export class Refusals {
  readonly #counts = new Map<string, number>();

  /** A code that docs/problems.md does not name counts as `other`, so that the codes are bounded. */
  readonly count = (code: string): void => {
    const known = problemKinds.has(code) ? code : "other";
    this.#counts.set(known, (this.#counts.get(known) ?? 0) + 1);
  };

  measure({ registry }: Metrics): void {
    const counts = this.#counts;
    new Counter({
      name: "http_refusals_total",
      help: "Refusals by problem code, those of the items of bulks included.",
      labelNames: ["code"],
      registers: [registry],
      collect() {
        this.reset();
        for (const [code, count] of counts) this.inc({ code }, count);
      },
    });
  }
}
