import { readFile, rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { type EngineSource, findEngine, startEngine } from "../engine.ts";
import { clientLogin, makeNodeKeys, type RedisNode, startNode } from "./node.ts";
import { type RedisPrograms, redisKind } from "./programs.ts";

/** How a client connects to Redis. */
export type RedisAccess = {
  /** Each `host:port`. */
  readonly nodes: readonly string[];
  readonly credentials?: { readonly username: string; readonly password: { reveal(): string } };
  readonly tls?: { readonly ca?: string };
};

/** A Redis for tests: one server, or a cluster of three. */
export type RedisServer = {
  readonly access: RedisAccess;
  /** Its servers, to cause faults in; empty for a Redis given by its URL, which we must not disturb. */
  readonly nodes: readonly RedisNode[];
  stop(): Promise<void>;
};

export type { RedisNode };

export type RedisSource = EngineSource<RedisPrograms>;

/** Finds a Redis. @throws in CI (CI=true) if there is none */
export function findRedis(): Promise<RedisSource> {
  return findEngine(redisKind);
}

/** @param certifiedHost the name in its certificate, if it runs on this machine */
export async function startRedis(source: RedisSource, certifiedHost = "localhost"): Promise<RedisServer> {
  return startEngine(source, {
    url: async (url) => ({ access: await accessOf(url), nodes: [], stop: async () => undefined }),
    local: (programs) => startNodes(programs, 1, certifiedHost),
    container: startContainer,
  });
}

/** A cluster of three servers without replicas; only where the server's program is on this machine. */
export async function startRedisCluster(source: RedisSource): Promise<RedisServer> {
  if (source.kind !== "local") throw new Error("a cluster needs a Redis of this machine: run `npm run engines`");
  return startNodes(source.local, 3, "localhost");
}

async function startNodes(programs: RedisPrograms, count: 1 | 3, host: string): Promise<RedisServer> {
  const keys = await makeNodeKeys(host);
  const nodes: RedisNode[] = [];
  const stop = async () => {
    for (const node of nodes) await node.stop();
  };
  try {
    for (let n = 0; n < count; n++) nodes.push(await startNode(programs, { keys, cluster: count > 1 }));
    if (count > 1) await joinNodes(nodes);
  } catch (error) {
    await stop();
    throw error;
  } finally {
    await rm(keys.folder, { recursive: true });
  }
  const { username, password } = clientLogin;
  const access = {
    nodes: nodes.map(({ link }) => `localhost:${link.port}`),
    credentials: { username, password: { reveal: () => password } },
    tls: { ca: keys.ca },
  };
  return { access, nodes, stop };
}

const SLOTS = 16_384;

/** Divides the slots among new nodes and introduces them to each other. */
async function joinNodes(nodes: readonly RedisNode[]): Promise<void> {
  const [first] = nodes;
  const share = Math.ceil(SLOTS / nodes.length);
  for (const [n, node] of nodes.entries()) {
    await node.command("CLUSTER", "ADDSLOTSRANGE", n * share, Math.min(SLOTS, (n + 1) * share) - 1);
    await node.command("CLUSTER", "SET-CONFIG-EPOCH", n + 1);
    const { tls, bus } = node.ports;
    if (node !== first) await first?.command("CLUSTER", "MEET", "127.0.0.1", tls, bus);
  }
  for (const node of nodes) await untilJoined(node);
}

/** The bus tells nothing when it has settled, so each node is asked. */
export async function untilJoined(node: RedisNode): Promise<void> {
  const joined = async () => {
    const info = String(await node.command("CLUSTER", "INFO"));
    return info.includes("cluster_state:ok") && info.includes("cluster_known_nodes:3");
  };
  while (!(await joined())) await delay(50);
}

async function accessOf(url: URL): Promise<RedisAccess> {
  const ca = url.searchParams.get("ca");
  const password = decodeURIComponent(url.password);
  return {
    nodes: [`${url.hostname}:${url.port || 6379}`],
    ...(password && {
      credentials: { username: decodeURIComponent(url.username) || "default", password: { reveal: () => password } },
    }),
    ...(ca !== null && { tls: { ca: await readFile(ca, "utf8") } }),
  };
}

async function startContainer(): Promise<RedisServer> {
  const { GenericContainer, Wait } = await import("testcontainers");
  const container = await new GenericContainer(redisKind.image)
    .withExposedPorts(6379)
    .withWaitStrategy(Wait.forLogMessage(/Ready to accept connections/))
    .start();
  const nodes = [`${container.getHost()}:${container.getMappedPort(6379)}`];
  return { access: { nodes }, nodes: [], stop: async () => void (await container.stop()) };
}
