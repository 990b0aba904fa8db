import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, startChildEngine } from "../child-engine.ts";
import { type EngineSource, findEngine, startEngine } from "../engine.ts";
import { type JavaPrograms, javaArgs } from "../java.ts";
import { type Link, openLink } from "../link.ts";
import { gremlinKind } from "./install.ts";
import { GREMLIN_READY, serverArgs, writeServerFiles } from "./server-files.ts";

export type GremlinSource = EngineSource<JavaPrograms>;

/** A Gremlin Server for tests, with an empty graph in memory. */
export type GremlinServer = {
  readonly host: string;
  readonly port: number;
  /** Faults for tests to cause; undefined for a server given by its URL, which we must not disturb. */
  readonly faults: GremlinFaults | undefined;
  stop(): Promise<void>;
};

export type GremlinFaults = {
  /** The link between clients and the server. */
  readonly link: Link;
  /** Where the server is reached past the link. */
  port(): number;
  kill(): Promise<void>;
  /** Starts the server again after a kill, with an empty graph. */
  start(): Promise<void>;
};

/** Finds a server. @throws in CI (CI=true) if there is none */
export function findGremlin(): Promise<GremlinSource> {
  return findEngine(gremlinKind);
}

/** Of a server started here; each field states its default. */
export type GremlinOptions = {
  /** Its heap in MiB; a graph of 100,000 payments needs more. Default 256. */
  readonly heapMiB?: number;
  /** Whether Java optimizes as in production, which costs a short-lived server more than it gains. Default false. */
  readonly optimizes?: boolean;
};

export async function startGremlin(source: GremlinSource, options: GremlinOptions = {}): Promise<GremlinServer> {
  return startEngine(source, {
    url: async ({ hostname, port }) => ({
      host: hostname,
      port: Number(port),
      faults: undefined,
      stop: async () => undefined,
    }),
    local: (programs) => startLocal(programs, options),
    container: startContainer,
  });
}

async function startLocal(
  programs: JavaPrograms,
  { heapMiB = 256, optimizes = false }: GremlinOptions,
): Promise<GremlinServer> {
  const java = [`-Xmx${heapMiB}m`, ...(optimizes ? ["-XX:TieredStopAtLevel=4"] : [])];
  const folder = await mkdtemp(join(tmpdir(), "payledger-gremlin-"));
  const port = await freePort();
  await writeServerFiles(folder, { host: "127.0.0.1", port });
  const start = () =>
    startChildEngine({
      command: programs.java,
      args: javaArgs(programs, serverArgs(folder), java),
      folder,
      ready: GREMLIN_READY,
      readyMs: 90_000,
      stopBy: "KILL",
    });
  let engine = await start();
  const link = await openLink(() => port);
  return {
    host: "127.0.0.1",
    port: link.port,
    faults: {
      link,
      port: () => port,
      kill: () => engine.kill(),
      start: async () => {
        engine = await start();
      },
    },
    async stop() {
      await link.close();
      await engine.stop();
    },
  };
}

async function startContainer(): Promise<GremlinServer> {
  const { GenericContainer, Wait } = await import("testcontainers");
  const folder = await mkdtemp(join(tmpdir(), "payledger-gremlin-"));
  const inside = "/opt/payledger";
  await writeServerFiles(folder, { host: "0.0.0.0", port: 8182 }, inside);
  const container = await new GenericContainer(gremlinKind.image)
    .withCopyDirectoriesToContainer([{ source: folder, target: inside }])
    .withCommand([join(inside, "server.yaml")])
    .withExposedPorts(8182)
    .withWaitStrategy(Wait.forLogMessage(GREMLIN_READY))
    .start();
  await rm(folder, { recursive: true });
  const link = await openLink(() => container.getMappedPort(8182));
  return {
    host: "127.0.0.1",
    port: link.port,
    faults: {
      link,
      port: () => container.getMappedPort(8182),
      kill: async () => void (await container.stop({ timeout: 0, remove: false })),
      start: () => container.restart(),
    },
    async stop() {
      await link.close();
      await container.stop();
    },
  };
}
