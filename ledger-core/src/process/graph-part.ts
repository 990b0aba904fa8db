import { join } from "node:path";
import { type ConfigurationPart, configurationPart } from "./configuration.ts";
import { documented, oneOf, optionalFile, optionalSecret, type Secret, type Setting } from "./env.ts";
import { dataDir } from "./targets.ts";

/** A graph on a Gremlin server. `login`: the user is `/dbs/<database>/colls/<graph>`, as Cosmos DB has it. */
export type GremlinTarget = {
  readonly kind: "gremlin";
  readonly host: string;
  readonly port: number;
  /** `ca`: PEM of the certificate authority to trust, if not the system's. */
  readonly tls?: { readonly ca?: string };
  readonly login?: { readonly username: string; readonly key: Secret };
};

/** Where the payment graph is: in the first file of views, or on a server. */
export type GraphTarget = { readonly kind: "sqlite"; readonly file: string } | GremlinTarget;

type GraphUrl =
  | { readonly kind: "sqlite"; readonly file: string }
  | { readonly kind: "gremlin"; readonly host: string; readonly port: number };

const gremlinForm = /^gremlin:\/\/([A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\]):(\d{1,5})\/?$/;

const graphUrl: Setting<GraphUrl | undefined> = {
  absent: { allowed: true, value: undefined },
  standard: "sqlite:<LEDGER_DATA>/views.sqlite",
  parse(text) {
    if (text.includes("@")) return { fault: "holds credentials: put the key into GRAPH_KEY" };
    if (/^sqlite:[^?]+\.sqlite$/.test(text)) return { value: { kind: "sqlite", file: text.slice("sqlite:".length) } };
    const [, host, port] = gremlinForm.exec(text) ?? [];
    if (host === undefined || Number(port) > 65_535)
      return { fault: "must be sqlite:<file>.sqlite or gremlin://<host>:<port>" };
    return { value: { kind: "gremlin", host: host.replace(/^\[|\]$/g, ""), port: Number(port) } };
  },
};

/** A name in Cosmos DB; it becomes a part of the user's name. */
const cosmosName: Setting<string | undefined> = {
  absent: { allowed: true, value: undefined },
  parse: (text) =>
    /^[A-Za-z0-9_.-]{1,255}$/.test(text)
      ? { value: text }
      : { fault: "must be 1 to 255 letters, digits, dots, dashes and underscores" },
};

export const graphPart: ConfigurationPart<GraphTarget> = configurationPart({
  settings: {
    LEDGER_DATA: dataDir,
    GRAPH: documented("Where the payment graph is: a file, or gremlin://<host>:<port>, such as Cosmos DB's.", graphUrl),
    GRAPH_DATABASE: documented("The database of Cosmos DB.", cosmosName),
    GRAPH_NAME: documented("The graph in that database; its partition key is /pk.", cosmosName),
    GRAPH_KEY: documented("The key of Cosmos DB.", optionalSecret({ lengthMin: 1 })),
    GRAPH_TLS: documented("Whether the connection is encrypted.", oneOf(["true", "false"], "true")),
    GRAPH_CA: documented("Certificates (PEM) to trust instead of the system's.", optionalFile()),
  },
  check({ GRAPH, GRAPH_DATABASE, GRAPH_NAME, GRAPH_KEY, GRAPH_TLS, GRAPH_CA }, fault) {
    const login = [GRAPH_DATABASE, GRAPH_NAME, GRAPH_KEY].filter((value) => value !== undefined);
    if (login.length !== 0 && login.length !== 3)
      fault("GRAPH_DATABASE, GRAPH_NAME and GRAPH_KEY go together: set all or none");
    if (GRAPH?.kind !== "gremlin" && (login.length > 0 || GRAPH_CA !== undefined))
      fault("GRAPH_DATABASE, GRAPH_NAME, GRAPH_KEY and GRAPH_CA are for a gremlin:// URL in GRAPH");
    if (GRAPH_TLS === "false" && GRAPH_KEY !== undefined)
      fault("GRAPH_TLS is false, and GRAPH_KEY would cross the network in clear: remove one of them");
    if (GRAPH_TLS === "false" && GRAPH_CA !== undefined) fault("GRAPH_CA is of no use while GRAPH_TLS is false");
  },
  build({ LEDGER_DATA, GRAPH, GRAPH_DATABASE, GRAPH_NAME, GRAPH_KEY, GRAPH_TLS, GRAPH_CA }) {
    if (GRAPH === undefined) return { kind: "sqlite", file: join(LEDGER_DATA, "views.sqlite") };
    if (GRAPH.kind === "sqlite") return GRAPH;
    return {
      ...GRAPH,
      ...(GRAPH_TLS === "true" && { tls: GRAPH_CA === undefined ? {} : { ca: GRAPH_CA } }),
      ...(GRAPH_KEY && { login: { username: `/dbs/${GRAPH_DATABASE}/colls/${GRAPH_NAME}`, key: GRAPH_KEY } }),
    };
  },
});
