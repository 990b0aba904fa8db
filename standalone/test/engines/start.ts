import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { makeClosers } from "ledger-core/process";
import { findKafka } from "ledger-core/testing/engines/kafka";
import { openDataFolder } from "../../src/data-folder.ts";
import { removeServerFile, writeServerFile } from "../../src/server-file.ts";
import { type ServiceName, type StartedService, startService } from "../services.ts";
import { openBroker, openLogServer } from "./engines.ts";
import { startFront } from "./front.ts";
import type { ShownProcess } from "./view.ts";

export type StartedEngines = {
  readonly url: string;
  readonly data: string;
  /** A description of each engine. */
  readonly engines: readonly string[];
  readonly processes: readonly ShownProcess[];
  /** Stops the front, then the services, then the engines. */
  stop(): Promise<void>;
};

/** @throws if an engine or a service does not start; nothing is left running */
export async function startEngines(options: {
  readonly data: string;
  readonly port: number;
  readonly tell: (text: string) => void;
}): Promise<StartedEngines> {
  const { port, tell } = options;
  const data = resolve(options.data);
  const closers = makeClosers();
  try {
    mkdirSync(data, { recursive: true });
    await openDataFolder(data);
    tell("starting the engines");
    const log = await openLogServer(data);
    closers.push(log.stop);
    const broker = await openBroker(await findKafka());
    closers.push(broker.stop);
    tell("starting the services");
    // If this process is killed, the service stops too.
    const environment = { ...log.environment, ...broker.environment, npm_lifecycle_event: "start:engines" };
    const processes: ShownProcess[] = [];
    const start = async (name: ServiceName): Promise<StartedService> => {
      const service = await startService(name, data, environment);
      processes.push({ ...service, name });
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
    return { url: front.url, data, engines: [log.name, broker.name], processes, stop: closers.close };
  } catch (error) {
    await closers.close();
    throw error;
  }
}
