import { describe, expect, test } from "vitest";
import { readConfiguration } from "./configuration.ts";
import { graphPart } from "./graph-part.ts";

const read = (environment: Readonly<Record<string, string>>) =>
  readConfiguration({ graph: graphPart }, environment).graph;
const cosmos = {
  GRAPH: "gremlin://ledger.gremlin.cosmos.azure.com:443",
  GRAPH_DATABASE: "ledger",
  GRAPH_NAME: "payments",
  GRAPH_KEY: "planted-5e3r3t",
};

test("the graph is in the file of views, or on a server", () => {
  expect(read({ LEDGER_DATA: "/srv/ledger" })).toEqual({ kind: "sqlite", file: "/srv/ledger/views.sqlite" });
  expect(read({ GRAPH: "gremlin://127.0.0.1:8182", GRAPH_TLS: "false" })).toEqual({
    ...{ kind: "gremlin", host: "127.0.0.1", port: 8182 },
  });
  const target = read({ ...cosmos, GRAPH_CA: "PEM" });
  expect(target).toMatchObject({ host: "ledger.gremlin.cosmos.azure.com", port: 443, tls: { ca: "PEM" } });
  if (target.kind !== "gremlin") throw new Error("it is on a server");
  expect([target.login?.username, target.login?.key.reveal()]).toEqual([
    "/dbs/ledger/colls/payments",
    "planted-5e3r3t",
  ]);
});

describe("is refused with advice", () => {
  test.each([
    [{ GRAPH: "http://host:1" }, "GRAPH must be sqlite:<file>.sqlite or gremlin://<host>:<port>"],
    [{ GRAPH: "gremlin://host:99999" }, "GRAPH must be"],
    [{ GRAPH: "gremlin://user:planted-5e3r3t@host:1" }, "put the key into GRAPH_KEY"],
    [{ ...cosmos, GRAPH_NAME: "" }, "GRAPH_DATABASE, GRAPH_NAME and GRAPH_KEY go together"],
    [{ ...cosmos, GRAPH_NAME: "a/b" }, "GRAPH_NAME must be"],
    [{ GRAPH_KEY: "planted-5e3r3t", GRAPH_DATABASE: "a", GRAPH_NAME: "b" }, "are for a gremlin:// URL in GRAPH"],
    [{ ...cosmos, GRAPH_TLS: "false" }, "GRAPH_KEY would cross the network in clear"],
    [{ GRAPH: "gremlin://h:1", GRAPH_TLS: "false", GRAPH_CA: "PEM" }, "GRAPH_CA is of no use"],
  ])("%o", (environment, advice) => {
    expect(() => read(environment)).toThrow(advice);
    expect(() => read(environment)).not.toThrow(/planted/);
  });
});
