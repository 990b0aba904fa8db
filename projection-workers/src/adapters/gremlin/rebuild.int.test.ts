import { once } from "node:events";
import { claimRebuild, completeGraph, FREE, openBooks, openGremlin } from "ledger-core/gremlin";
import { findGremlin, type GremlinServer, startGremlin } from "ledger-core/testing";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { serverRebuildSuite } from "../../testing/rebuild-suite.ts";
import { aloneInGraph } from "./alone.ts";
import { openGraphServer } from "./server.ts";

const source = await findGremlin();

describe.skipIf(source.kind === "none")("a graph on a Gremlin Server", () => {
  let server: GremlinServer;
  beforeAll(async () => {
    server = await startGremlin(source);
  });
  afterAll(() => server.stop());

  async function emptied() {
    const client = openGremlin(server);
    onTestFinished(() => client.close());
    await client.submit("g.V().drop()", {});
    await completeGraph(client, await openBooks(client));
    return client;
  }

  serverRebuildSuite("Gremlin Server", async () => {
    const client = await emptied();
    const alone = { beatMs: 50, silentMs: 4000 };
    return {
      server: { name: "graph", projections: ["graph"], open: () => openGraphServer(server, alone) },
      killedRebuild: async () => void (await claimRebuild(client, FREE, "killed:3")),
    };
  });

  test("a rebuild whose turn another has taken is told so", async () => {
    const client = await emptied();
    const alone = aloneInGraph(client, { beatMs: 10, silentMs: 10_000 });
    const told = alone(async (lost) => {
      for (let isTaken = false; !isTaken; )
        isTaken = await claimRebuild(client, (await openBooks(client)).rebuilder, "another:0");
      if (!lost.aborted) await once(lost, "abort");
      throw lost.reason;
    });
    await expect(told).rejects.toMatchObject({ code: "not_ready" });
    expect((await openBooks(client)).rebuilder).toBe("another:0");
  });
});
