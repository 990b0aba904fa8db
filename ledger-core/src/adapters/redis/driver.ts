import { isIP } from "node:net";
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import { Cluster, Redis } from "ioredis";
import { addressOf, type RedisAddress, type RedisConnection, type RedisTuning } from "./connection.ts";
import type { RedisLogin } from "./login.ts";

export type RedisDriver = Redis | Cluster;

/** How to reach a Redis, and how to log in to it. */
export type DriverOptions = {
  readonly connection: RedisConnection;
  readonly login: RedisLogin | undefined;
  readonly tuning: RedisTuning;
};

/** Connects to the first node that answers, and to its cluster if it belongs to one. @throws the driver's errors */
export async function openDriver(options: DriverOptions): Promise<RedisDriver> {
  const { connection, login, tuning } = options;
  await login?.current();
  const addresses = connection.nodes.map(addressOf);
  let failure: unknown;
  for (const address of addresses) {
    const single = new Redis({
      ...commonOptions(options),
      ...{ ...address, lazyConnect: true, enableOfflineQueue: false },
      retryStrategy: pauses(tuning),
      reconnectOnError: (error: Error) => error.message.startsWith("READONLY"),
    });
    // The driver tells the cause by an event, and rejects only with "Connection is closed".
    let cause: unknown;
    single.on("error", (error) => (cause = error));
    try {
      loginAnew(single, login);
      await single.connect();
      if (!(await isClustered(single))) return single;
      single.disconnect();
      return await openCluster(addresses, options);
    } catch (error) {
      single.disconnect();
      failure = cause ?? error;
    }
  }
  throw failure;
}

async function openCluster(addresses: readonly RedisAddress[], options: DriverOptions): Promise<Cluster> {
  const { login, tuning } = options;
  const cluster = new Cluster([...addresses], {
    redisOptions: commonOptions(options),
    ...{ lazyConnect: true, enableOfflineQueue: false, maxRedirections: 8 },
    // Zero: like above, no script is repeated after a lost connection.
    retryDelayOnFailover: 0,
    clusterRetryStrategy: pauses(tuning),
    slotsRefreshTimeout: tuning.connectMs,
    // Nodes are called by their host names, which certificates name.
    dnsLookup: (host, found) => found(null, host),
  });
  cluster.on("error", ignore);
  cluster.on("node error", ignore);
  cluster.on("+node", (node: Redis) => {
    node.on("error", ignore);
    loginAnew(node, login);
  });
  try {
    await cluster.connect();
    return cluster;
  } catch (error) {
    cluster.disconnect();
    throw error;
  }
}

/** The driver reports every fault to the command that meets it, too. */
function ignore(): void {}

function commonOptions({ connection, login, tuning }: DriverOptions) {
  const { tls } = connection;
  const hosts = connection.nodes.map((node) => addressOf(node).host);
  return {
    ...{ connectTimeout: tuning.connectMs, commandTimeout: tuning.commandMs, socketTimeout: tuning.commandMs },
    // A script whose answer was lost may have run: only the caller can tell whether to repeat it.
    ...{ maxRetriesPerRequest: 0, autoResendUnfulfilledCommands: false },
    ...{ protocol: 2 as const, disableClientInfo: true },
    ...(login && { username: login.username, password: "" }),
    ...(tls && {
      tls: { ...tls, checkServerIdentity: (host: string, seen: PeerCertificate) => verify(host, seen, hosts) },
    }),
  };
}

/**
 * The certificate must name the host. A cluster may give its nodes by IP address: then it must name a host that we were
 * configured with.
 */
function verify(host: string, certificate: PeerCertificate, configured: readonly string[]): Error | undefined {
  const fault = checkServerIdentity(host, certificate);
  if (!fault || isIP(host) === 0) return fault;
  return configured.some((name) => checkServerIdentity(name, certificate) === undefined) ? undefined : fault;
}

/** Makes each login of a connection ask for the password, since a token is valid for an hour or so. */
function loginAnew(redis: Redis, login: RedisLogin | undefined): void {
  if (!login) return;
  Object.defineProperty(redis.options, "password", { get: login.reveal, enumerable: true, configurable: true });
  redis.on("error", (error) => {
    if (isRefusedLogin(error)) login.refused();
  });
}

function isRefusedLogin(error: unknown): boolean {
  return error instanceof Error && /^(WRONGPASS|NOAUTH)/.test(error.message);
}

/** Logs the open connections in again. @throws the driver's errors */
export async function renewLogin(driver: RedisDriver, { username, reveal }: RedisLogin): Promise<void> {
  const nodes = driver instanceof Cluster ? driver.nodes() : [driver];
  for (const node of nodes) if (node.status === "ready") await node.auth(username, reveal());
}

async function isClustered(redis: Redis): Promise<boolean> {
  try {
    await redis.cluster("INFO");
    return true;
  } catch (error) {
    if (error instanceof Error && /cluster support disabled|unknown command/i.test(error.message)) return false;
    throw error;
  }
}

function pauses({ retryMs }: RedisTuning): (times: number) => number {
  return (times) => Math.min(retryMs.most, retryMs.first * 2 ** Math.min(times - 1, 16));
}
