import { randomInt } from "node:crypto";
import type { GremlinClient } from "ledger-core/gremlin";
import { findGremlin, type GremlinServer, startGremlin } from "ledger-core/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { playGraphFaults } from "./graph-faults.ts";
import { testFolder } from "./stores.ts";

const source = await findGremlin();

describe.skipIf(source.kind === "none")("a payment graph under faults", () => {
  let server: GremlinServer;
  beforeAll(async () => {
    server = await startGremlin(source);
  });
  afterAll(() => server.stop());

  test("two workers fill it through faults: it equals the history, and answers as the file does", async () => {
    const seed = randomInt(2 ** 31);
    console.log(`seed ${seed}`);
    const faults = [
      ...(["throttled", "cut after", "odd frame", "crash before the checkpoint", "cut link"] as const),
      ...(["emptied", "cut before", "changed meanwhile", "silence"] as const),
    ];
    expect(await playGraphFaults({ server, seed, events: 450, faults, folder: await testFolder() })).toEqual([]);
  }, 180_000);

  test("a planted fault is found: an edge that each attempt adds anew", async () => {
    let attempt = 0;
    const anew = (client: GremlinClient): GremlinClient => ({
      ...client,
      add: (text, bindings) =>
        client.add(
          text,
          "k" in bindings ? { ...bindings, e: `${bindings.e}:${++attempt}`, k: `${attempt}` } : bindings,
        ),
    });
    const faults = ["crash before the checkpoint", "cut after"] as const;
    const run = { server, seed: 1, events: 60, faults, folder: await testFolder(), sabotage: anew };
    expect((await playGraphFaults(run)).join("\n")).toMatch(/twice/);
  }, 180_000);
});
