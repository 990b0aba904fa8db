import { readFileSync } from "node:fs";
import { LedgerError } from "../../domain/errors.ts";

export type NodeAddress = { readonly host: string; readonly port: number };

/** A parsed EventStoreDB connection string. */
export type EsdbAddress = {
  /** The node to connect to, or the seeds to ask for the leader. */
  readonly nodes: readonly NodeAddress[];
  /** Whether to ask the nodes for the members of their cluster. */
  readonly discover: boolean;
  readonly tls: EsdbTls | null;
  readonly user: { readonly name: string; readonly password: string } | null;
  /** Which node to read from; appends always go to the leader. */
  readonly readFrom: "leader" | "follower";
  readonly keepAliveMs: number;
  readonly keepAliveTimeoutMs: number;
};

/** PEM contents; null means Node's own authorities or no client certificate. */
export type EsdbTls = { readonly ca: Buffer | null; readonly key: Buffer | null; readonly certificate: Buffer | null };

const DEFAULT_PORT = 2113;
const KEEP_ALIVE_MS = 10_000;
/** Options of the public client that have no effect here; accepted so that its connection strings work unchanged. */
const ignored = new Set([
  ...["connectionname", "defaultdeadline", "discoveryinterval", "gossiptimeout"],
  ...["maxdiscoverattempts", "throwonappendfailure"],
]);

export type EsdbLogin = { readonly username: string; readonly password: { reveal(): string } };

/** Secrets and files that do not belong in a connection string. */
export type EsdbSecrets = {
  /** Replaces the name and password of the connection string. */
  readonly credentials?: EsdbLogin | undefined;
  /** PEM of the authority that signed the server's certificate; replaces `tlsCAFile`. */
  readonly ca?: string | undefined;
};

/**
 * Parses a connection string, `esdb://name:password@host:2113?tlsCAFile=ca.pem` or `esdb+discover://…`. Without TLS,
 * drops the name and password: they would cross the network in clear text.
 * @throws LedgerError config, naming every fault, without the password
 */
export function parseAddress(text: string, { credentials, ca }: EsdbSecrets = {}): EsdbAddress {
  const faults: string[] = [];
  const match = /^(esdb|esdb\+discover):\/\/(?:([^@/?]*)@)?([^@/?]*)\/?(?:\?(.*))?$/.exec(text.trim());
  const [, scheme = "", login, hosts = "", query = ""] = match ?? [];
  if (!match) faults.push("it is not esdb://[name:password@]host[:port][?option=value], nor esdb+discover://…");
  const nodes = match ? parseNodes(hosts, faults) : [];
  const option = parseOptions(query, faults);
  const secure = parseFlag(option("tls") ?? "true", "tls", faults);
  const tls = secure ? parseTls(option, ca, faults) : null;
  const written = login === undefined ? null : parseUser(login, faults);
  const user = credentials ? { name: credentials.username, password: credentials.password.reveal() } : written;
  const preference = (option("nodepreference") ?? "leader").toLowerCase();
  if (!["leader", "follower", "readonlyreplica", "random"].includes(preference))
    faults.push("nodePreference is leader, follower, readOnlyReplica or random");
  const keepAliveMs = parseMs(option("keepaliveinterval"), "keepAliveInterval", faults);
  const keepAliveTimeoutMs = parseMs(option("keepalivetimeout"), "keepAliveTimeout", faults);
  if (faults.length > 0)
    throw new LedgerError("config", `the address of the event log cannot be used: ${faults.join("; ")}`);
  return {
    nodes,
    discover: scheme === "esdb+discover" || nodes.length > 1,
    tls,
    user: secure ? user : null,
    readFrom: preference === "leader" ? "leader" : "follower",
    keepAliveMs,
    keepAliveTimeoutMs,
  };
}

function parseNodes(hosts: string, faults: string[]): NodeAddress[] {
  return hosts.split(",").map((text) => {
    const match = /^([A-Za-z0-9._-]+|\[[0-9a-fA-F:]+\])(?::(\d{1,5}))?$/.exec(text);
    const port = Number(match?.[2] ?? DEFAULT_PORT);
    if (!match || port < 1 || port > 65_535) faults.push(`${JSON.stringify(text)} is no host or host:port`);
    return { host: match?.[1] ?? "", port };
  });
}

function parseOptions(query: string, faults: string[]): (name: string) => string | undefined {
  const known = new Set([
    ...["tls", "tlscafile", "tlsverifycert", "usercertfile", "userkeyfile"],
    ...["nodepreference", "keepaliveinterval", "keepalivetimeout", ...ignored],
  ]);
  const options = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    const key = name.toLowerCase().replace(/[_-]/g, "");
    if (!known.has(key)) faults.push(`there is no option ${JSON.stringify(name)}`);
    options.set(key, value);
  }
  if (options.get("tlsverifycert") === "false") faults.push("certificates are always verified: give tlsCAFile instead");
  return (name) => options.get(name);
}

function parseTls(option: (name: string) => string | undefined, ca: string | undefined, faults: string[]): EsdbTls {
  const read = (name: string, file: string | undefined): Buffer | null => {
    if (file === undefined) return null;
    try {
      return readFileSync(file);
    } catch {
      faults.push(`${name} ${JSON.stringify(file)} cannot be read`);
      return null;
    }
  };
  const [key, certificate] = [option("userkeyfile"), option("usercertfile")];
  if ((key === undefined) !== (certificate === undefined)) faults.push("userCertFile and userKeyFile go together");
  return {
    ca: ca === undefined ? read("tlsCAFile", option("tlscafile")) : Buffer.from(ca),
    key: read("userKeyFile", key),
    certificate: read("userCertFile", certificate),
  };
}

function parseUser(login: string, faults: string[]): EsdbAddress["user"] {
  const [name = "", password, ...rest] = login.split(":").map(decode);
  if (name && password && rest.length === 0) return { name, password };
  faults.push("name and password are given as name:password@, percent-encoded");
  return null;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function parseFlag(text: string, name: string, faults: string[]): boolean {
  if (text !== "true" && text !== "false") faults.push(`${name} is true or false`);
  return text !== "false";
}

function parseMs(text: string | undefined, name: string, faults: string[]): number {
  if (text === undefined) return KEEP_ALIVE_MS;
  if (!/^\d{1,8}$/.test(text)) faults.push(`${name} is a number of milliseconds`);
  return Number(text);
}
