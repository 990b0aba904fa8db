import type { Login } from "../../process/entra-login.ts";
import type { EntraTuning } from "../entra/tokens.ts";

/** A Redis: one server, or any nodes of one cluster. No message ever contains the password. */
export type RedisConnection = {
  /** Each `host:port`. */
  readonly nodes: readonly string[];
  /** For Entra, the user is an object id. The password or token is asked for again at each login. */
  readonly credentials?: Login;
  /** `ca` is PEM; without it, the system's authorities are trusted. Host names are always verified. */
  readonly tls?: { readonly ca?: string };
};

/** Each field states its default. */
export type RedisTuning = {
  /** How long a script may take before its outcome is unknown, in ms. 10 to 60,000. Default 1000. */
  readonly commandMs: number;
  /** How long connecting may take, in ms. 100 to 60,000. Default 2000. */
  readonly connectMs: number;
  /** The pause before connecting again, doubled up to the second, in ms. 1 to 60,000. Default 50 and 1000. */
  readonly retryMs: { readonly first: number; readonly most: number };
  /** The most scripts under way; more are refused. 1 to 100,000. Default 1000. */
  readonly underWayMax: number;
  /** How long before a token expires the next one is used, in ms. 1000 to 3,600,000. Default 180,000. */
  readonly renewBeforeMs: number;
  /** How often to look for a new token after that, in ms. 10 to 600,000. Default 10,000. */
  readonly renewEveryMs: number;
  /** Of Entra tokens; each field states its default. */
  readonly entra: Partial<EntraTuning>;
};

export const redisTuning: RedisTuning = {
  commandMs: 1000,
  connectMs: 2000,
  retryMs: { first: 50, most: 1000 },
  underWayMax: 1000,
  renewBeforeMs: 180_000,
  renewEveryMs: 10_000,
  entra: {},
};

export type RedisAddress = { readonly host: string; readonly port: number };

export function addressOf(node: string): RedisAddress {
  const colon = node.lastIndexOf(":");
  return { host: node.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(node.slice(colon + 1)) };
}
