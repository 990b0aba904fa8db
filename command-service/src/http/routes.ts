import type { FastifyInstance } from "fastify";
import type { Writer } from "../writer-port.ts";
import { serveAccounts } from "./accounts.ts";
import { serveBulk } from "./bulk.ts";
import { servePayments } from "./payments.ts";
import { serveRailMovements } from "./rail-movements.ts";
import { defaultRails } from "./rails.ts";
import { serveRefunds } from "./refunds.ts";
import { keyWaits, serveCommandHeaders } from "./route.ts";
import { type SessionOptions, serveSessions } from "./sessions.ts";
import { serveTransfers } from "./transfers.ts";

export type CommandOptions = {
  readonly writer: Writer;
  /** How long a second request under a key waits for the first's answer. Default 10,000. */
  readonly keyWaitMs?: number;
  /**
   * The payment rails that top-ups and payouts may name; others are `invalid_request`. 1 to 50; default fps, card,
   * bank.
   */
  readonly rails?: readonly string[];
  /**
   * Faults of a bulk's items after which other requests get a turn. From 1; default 2,000, some 2 ms.
   */
  readonly bulkSliceFaults?: number;
  /** How tokens are revoked; without it, that route is not served. */
  readonly sessions?: SessionOptions;
};

/** Registers every POST of the API. */
export function registerCommands(app: FastifyInstance, options: CommandOptions): void {
  const rails = options.rails ?? defaultRails;
  const ports = { writer: options.writer, waits: keyWaits(options.keyWaitMs) };
  app.register(async (scope) => {
    serveCommandHeaders(scope);
    serveAccounts(scope, ports);
    serveTransfers(scope, ports);
    serveRailMovements(scope, ports, rails);
    servePayments(scope, ports);
    serveRefunds(scope, ports);
    serveBulk(scope, ports, { rails, sliceFaults: options.bulkSliceFaults ?? 2000 });
    if (options.sessions) serveSessions(scope, options.sessions);
  });
}
