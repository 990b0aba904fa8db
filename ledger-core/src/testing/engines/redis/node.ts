import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { makeCertificates } from "../certificates.ts";
import { type ChildEngine, freePort, startChildEngine } from "../child-engine.ts";
import { type Link, openLink } from "../link.ts";
import { linkServer, type RedisPrograms } from "./programs.ts";

/** One Redis server for tests, with faults to cause. It keeps nothing on disk but what `snapshot` saves. */
export type RedisNode = {
  /** The link that clients connect through, by TLS. `hold` is a server that hangs. */
  readonly link: Link;
  readonly ports: NodePorts;
  /** Runs a command as administrator, past the link. */
  command(name: string, ...args: readonly (string | number)[]): Promise<unknown>;
  /** Saves the present data; the next `start` loads it, as a failover to a replica that was behind would. */
  snapshot(): Promise<void>;
  /** Kills the server, which loses everything after the last snapshot. */
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
};

/** Clients may do everything but administer the server. INFO shows whether it has loaded its data. */
export const clientLogin = { username: "payledger", password: "for-tests-only" };
const ADMIN_PASSWORD = "admin-for-tests-only";

const passwordFile = "users.acl";
const users = `user default off
user admin on >${ADMIN_PASSWORD} ~* &* +@all
user ${clientLogin.username} on >${clientLogin.password} ~* &* +@all -@admin -@dangerous +info
`;

export type NodeKeys = { readonly ca: string; readonly folder: string };

/** Makes the keys that every node copies, certified for a host. The caller removes the folder. */
export async function makeNodeKeys(host: string): Promise<NodeKeys> {
  const folder = await mkdtemp(join(tmpdir(), "payledger-redis-keys-"));
  const { ca } = await makeCertificates(folder, host);
  return { ca, folder };
}

export type RedisNodeOptions = {
  readonly keys: NodeKeys;
  /** Cluster mode; nodes announce their links, so that clients find them by their host name. */
  readonly cluster?: boolean;
};

/** @param programs where the server's program is */
export async function startNode(
  programs: RedisPrograms,
  { keys, cluster = false }: RedisNodeOptions,
): Promise<RedisNode> {
  const folder = await mkdtemp(join(tmpdir(), "payledger-redis-"));
  await cp(keys.folder, folder, { recursive: true });
  const command = await linkServer(programs, folder);
  const ports = { plain: await freePort(), tls: await freePort(), bus: await freePort() };
  const link = await openLink(() => ports.tls);
  await writeFile(join(folder, passwordFile), users, { mode: 0o600 });
  const clusterText = cluster ? clusterSettings({ bus: ports.bus, announced: link.port }) : "";
  await writeFile(join(folder, "redis.conf"), settingsText(folder, ports) + clusterText);
  const run = (): Promise<ChildEngine> =>
    startChildEngine({
      ...{ command, args: [join(folder, "redis.conf")], folder },
      ...{ ready: /Ready to accept connections/, readyMs: 30_000, stopBy: "KILL" },
    });
  let engine = await run();
  const ask: RedisNode["command"] = async (name, ...args) => {
    const login = { username: "admin", password: ADMIN_PASSWORD };
    const client = new Redis({ host: "127.0.0.1", port: ports.plain, ...login, lazyConnect: true });
    try {
      await client.connect();
      return await client.call(name, ...args);
    } finally {
      client.disconnect();
    }
  };
  return {
    ...{ link, ports },
    command: ask,
    snapshot: async () => void (await ask("SAVE")),
    kill: () => engine.kill(),
    async start() {
      engine = await run();
      // A snapshot is loaded once: the next kill loses everything again.
      await rm(join(folder, "dump.rdb"), { force: true });
    },
    async stop() {
      await engine.stop();
      await link.close();
    },
  };
}

/** `plain`: for administrators; `bus`: between the nodes of a cluster. */
export type NodePorts = { readonly plain: number; readonly tls: number; readonly bus: number };

function settingsText(folder: string, { plain, tls }: NodePorts): string {
  return `dir ${folder}
bind 127.0.0.1
port ${plain}
tls-port ${tls}
tls-ca-cert-file ${folder}/ca.pem
tls-cert-file ${folder}/server.pem
tls-key-file ${folder}/server.key
tls-auth-clients no
aclfile ${folder}/${passwordFile}
save ""
appendonly no
`;
}

function clusterSettings({ bus, announced }: Pick<NodePorts, "bus"> & { readonly announced: number }): string {
  return `cluster-enabled yes
cluster-config-file nodes.conf
cluster-node-timeout 2000
cluster-port ${bus}
cluster-announce-bus-port ${bus}
cluster-announce-tls-port ${announced}
cluster-announce-hostname localhost
cluster-preferred-endpoint-type hostname
tls-cluster yes
`;
}
