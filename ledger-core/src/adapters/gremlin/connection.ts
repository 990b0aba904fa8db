/** A Gremlin server and the graph on it. No message ever contains the key. */
export type GremlinConnection = {
  readonly host: string;
  readonly port: number;
  /** `ca` is PEM; without it, the system's authorities are trusted. Undefined: no TLS. */
  readonly tls?: { readonly ca?: string };
  /** Cosmos DB's user is `/dbs/<database>/colls/<graph>`. */
  readonly login?: { readonly username: string; readonly key: { reveal(): string } };
};

/** Each field states its bounds and default. */
export type GremlinTuning = {
  /** Time limit of connecting, with TLS, in ms. 100 to 60,000. Default 5000. */
  readonly openMs?: number;
  /** Time limit of a request, in ms. 10 to 120,000. Default 30,000. */
  readonly requestMs?: number;
  /** The most requests under way at once; the others wait. 1 to 100. Default 8. */
  readonly parallel?: number;
  /** For how long a throttled request is repeated before it fails, in ms. 0 to 600,000. Default 60,000. */
  readonly throttledMs?: number;
  /** The pause before a repetition for which the server names none, in ms. 1 to 10,000. Default 100. */
  readonly pauseMs?: number;
};

export function withDefaults(tuning: GremlinTuning = {}): Required<GremlinTuning> {
  return { openMs: 5000, requestMs: 30_000, parallel: 8, throttledMs: 60_000, pauseMs: 100, ...tuning };
}
