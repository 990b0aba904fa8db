import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { makeClosers } from "ledger-core/process";
import { findMariadb } from "ledger-core/testing/engines";
import { findGremlin } from "ledger-core/testing/engines/gremlin";
import { findKafka } from "ledger-core/testing/engines/kafka";
import { findRedis } from "ledger-core/testing/engines/redis";
import { openDataFolder } from "../../src/data-folder.ts";
import { removeServerFile, writeServerFile } from "../../src/server-file.ts";
import { type ServiceName, type StartedService, startService } from "../services.ts";
import { type EngineFaults, openBroker, openGraph, openLogServer, openReadModels, openRedis } from "./engines.ts";
import { startFront } from "./front.ts";
import type { ShownProcess } from "./view.ts";

export type StartedEngines = {
  readonly url: string;
  readonly data: string;
  /** A description of each engine. */
  readonly engines: readonly string[];
  readonly processes: readonly LiveService[];
  /** The engines that are ours to disturb, by name. */
  readonly faults: Readonly<Record<string, EngineFaults>>;
  /** The settings that lead to the engines. */
  readonly environment: Readonly<Record<string, string>>;
  /** Stops the front, then the services, then the engines. */
  stop(): Promise<void>;
};

/** @throws if an engine or a service does not start; nothing is left running */
export async function startEngines(options: {
  readonly data: string;
  /** The folder of the log server's file. Default: the data folder. */
  readonly logData?: string;
  readonly port: number;
  /** Whose services, such as those of another release. Default: these. */
  readonly tree?: string;
  readonly tell: (text: string) => void;
}): Promise<StartedEngines> {
  const { port, tell, tree } = options;
  const data = resolve(options.data);
  const closers = makeClosers();
  try {
    mkdirSync(data, { recursive: true });
    await openDataFolder(data);
    tell("starting the engines");
    const { log, broker, models, graph, redis } = await openEngines(options.logData ?? data, closers.push);
    tell("starting the services");
    const environment = {
      ...{ ...log.environment, ...broker.environment, ...redis.environment },
      // If this process is killed, the service stops too.
      npm_lifecycle_event: "start:engines",
    };
    const processes: LiveService[] = [];
    const own: Partial<Record<ServiceName, Readonly<Record<string, string>>>> = {
      projections: { ...models.writing, ...graph.environment },
      "query-service": { ...models.reading, ...graph.environment, ...redis.limits },
      "command-service": redis.limits,
    };
    const start = async (name: ServiceName): Promise<LiveService> => {
      const service = await startLive(name, data, { ...environment, ...own[name] }, tree);
      processes.push(service);
      closers.push(async () => void (await service.end("SIGTERM")));
      return service;
    };
    const projections = start("projections");
    const mirror = "BROKER" in broker.environment ? start("mirror") : undefined;
    await Promise.all([projections, mirror]);
    const [queries, commands] = await Promise.all([start("query-service"), start("command-service")]);
    const front = await startFront({ commands: () => commands.url, queries: () => queries.url, port });
    closers.push(front.stop);
    writeServerFile(data, { url: front.url, pid: process.pid });
    closers.push(async () => removeServerFile(data));
    const faults = {
      ...(log.faults && { "log server": log.faults }),
      ...(broker.faults && { broker: broker.faults }),
      ...models.faults,
      ...(redis.faults && { Redis: redis.faults }),
      ...(graph.faults && { graph: graph.faults }),
    };
    const settings = { ...environment, ...models.writing, ...models.reading, ...graph.environment };
    const engines = [log.name, broker.name, models.name, graph.name, redis.name];
    return { url: front.url, ...{ data, engines, processes, faults, environment: settings }, stop: closers.close };
  } catch (error) {
    await closers.close();
    throw error;
  }
}

/** Starts the engines side by side. @throws when all have started or failed; `close` was given those that run */
async function openEngines(logData: string, close: (stop: () => Promise<void>) => void) {
  const closing = async <Engine extends { stop(): Promise<void> }>(opening: Promise<Engine>): Promise<Engine> => {
    const engine = await opening;
    close(engine.stop);
    return engine;
  };
  const log = closing(openLogServer(logData));
  const broker = closing(findKafka().then(openBroker));
  const models = closing(findMariadb().then(openReadModels));
  const graph = closing(findGremlin().then(openGraph));
  const redis = closing(findRedis().then(openRedis));
  await Promise.allSettled([log, broker, models, graph, redis]);
  return { log: await log, broker: await broker, models: await models, graph: await graph, redis: await redis };
}

/** A service that can be ended and started again. Its addresses are those of its current process. */
export type LiveService = ShownProcess & {
  readonly url: string;
  end(signal: "SIGTERM" | "SIGKILL"): Promise<number | null>;
  /** Suspends the process, or lets it go on. */
  pause(): void;
  resume(): void;
  /** All that it has printed since its start. */
  output(): string;
  /** Starts it again after its end, from another release's programs if they are given. */
  start(tree?: string): Promise<void>;
};

async function startLive(
  name: ServiceName,
  data: string,
  environment: Readonly<Record<string, string>>,
  tree?: string,
): Promise<LiveService> {
  let service: StartedService = await startService(name, data, environment, tree);
  return {
    name,
    get pid() {
      return service.pid;
    },
    get url() {
      return service.url;
    },
    get operations() {
      return service.operations;
    },
    ended: () => service.ended(),
    output: () => service.output(),
    end: (signal) => service.end(signal),
    pause: () => void process.kill(service.pid, "SIGSTOP"),
    resume: () => void process.kill(service.pid, "SIGCONT"),
    async start(next) {
      service = await startService(name, data, environment, next);
    },
  };
}
