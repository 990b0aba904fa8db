import type { Knex } from "knex";
import type { Caller, Micros, Runtime } from "ledger-core";
import { createEdge } from "ledger-core/http";
import { createLogger } from "ledger-core/process";
import { type QueryDeps, registerQueries } from "query-service";
import type { GatewayReply, Plant } from "../plant.ts";
import type { Scheduler } from "../scheduler.ts";
import type { Settings } from "../settings.ts";
import type { SimulatedStores } from "./stores.ts";

/** The query-service's own edge and routes, called without a network. */
export type QueryEdge = {
  get(caller: Caller, url: string, headers: Readonly<Record<string, string>>): Promise<GatewayReply>;
  close(): Promise<void>;
};

const logger = createLogger({ level: "silent", name: "simulation" });

export async function openEdge(
  stores: SimulatedStores,
  models: Knex,
  options: {
    readonly scheduler: Scheduler;
    readonly wake: QueryDeps["wake"];
    readonly plant: Plant;
    readonly settings: Settings;
  },
): Promise<QueryEdge> {
  const { scheduler, wake, plant, settings } = options;
  const app = await createEdge({
    logger,
    authenticate: async (token) => JSON.parse(Buffer.from(token, "base64url").toString("utf8")),
  });
  registerQueries(
    app,
    plant.queries({
      ...settings.queries,
      models,
      graph: stores.graph,
      shards: 1,
      cursorKey: new Uint8Array(32).fill(1),
      clock: (): Micros => Number.MAX_SAFE_INTEGER,
      runtime: waitingRuntime(scheduler),
      ...(wake ? { wake } : {}),
    }),
  );
  await app.ready();
  return {
    async get(caller, url, headers) {
      const authorization = `Bearer ${Buffer.from(JSON.stringify(caller)).toString("base64url")}`;
      const response = await app.inject({ url, headers: { authorization, ...headers } });
      const position = response.headers["ledger-position"];
      return {
        status: response.statusCode,
        position: typeof position === "string" ? position : "",
        body: response.json(),
      };
    },
    close: () => app.close(),
  };
}

/**
 * The runtime of requests that may wait. While a request works, the world's time stops (`scheduler.settled`); while it
 * waits, the world goes on. Handles one request at a time, so that the one that waits is the one that works.
 */
function waitingRuntime(scheduler: Scheduler): Runtime {
  return {
    now: () => scheduler.now(),
    elapsedMs: () => scheduler.now() / 1000,
    defer: (task) => void scheduler.after(1, null, task),
    delay: (ms) =>
      new Promise((resolve) => {
        const goOn = scheduler.pauseWork();
        scheduler.after(ms * 1000, null, () => {
          goOn();
          resolve();
        });
      }),
    every(ms, task) {
      const goOn = scheduler.pauseWork();
      const forget = scheduler.after(ms * 1000, null, task);
      return () => {
        forget();
        goOn();
      };
    },
    random: () => 0,
  };
}
