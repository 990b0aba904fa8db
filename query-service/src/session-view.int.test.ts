import { randomUUID } from "node:crypto";
import { assert } from "ledger-core";
import { connectRedis, openSessionStore, openSessionView } from "ledger-core/redis";
import { examples } from "ledger-core/testing";
import { findRedis, type RedisServer, startRedis } from "ledger-core/testing/engines/redis";
import { sessionProjection } from "projection-workers";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { openModels, type TestModels } from "./testing/models.ts";
import { serveQueries } from "./testing/served.ts";
import { tellStory } from "./testing/story.ts";

const source = await findRedis();
const { consumer } = examples;
const { events } = tellStory();
const head = events.length - 1;

describe.skipIf(source.kind !== "local")("sessions from Redis", () => {
  let server: RedisServer;
  let models: TestModels;
  const node = () => {
    const [first] = server.nodes;
    assert(first, "a server of this machine");
    return first;
  };
  beforeAll(async () => {
    [server, models] = await Promise.all([startRedis(source), openModels()]);
    await models.project(events);
  });
  afterAll(async () => {
    await models.close();
    await server.stop();
  });

  /** Serves sessions from a view of the events up to a revision. */
  async function serve(upTo: number) {
    const ledger = randomUUID();
    const redis = connectRedis("session views", server.access, { commandMs: 250, connectMs: 500 });
    const store = openSessionStore({ redis, ledger });
    const begun = await store.begin(0);
    const changes = events.slice(0, upTo + 1).flatMap((event) => sessionProjection.project(event));
    await store.target(begun).apply(0, -1, upTo, changes);
    const view = openSessionView({ redis, ledger, shards: 1 });
    onTestFinished(() => view.close());
    const queries = await serveQueries(models, { view });
    const session = async (required?: number) => {
      const headers = required === undefined ? {} : { "ledger-position": `0:${required}` };
      const { status, body, headers: answered } = await queries.get(consumer("alice"), "/v1/me/session", headers);
      expect(status).toBe(200);
      return { body, position: answered["ledger-position"], servedBy: answered["ledger-served-by"] };
    };
    return { session, complete: () => store.serve(0, begun.generation) };
  }

  test("are those of the models, and say which store answered", async () => {
    const { session, complete } = await serve(head);
    const ofModels = await session();
    expect(ofModels).toMatchObject({ servedBy: "models", position: `0:${head}` });
    await complete();
    expect(await session()).toEqual({ ...ofModels, servedBy: "redis" });
  });

  test("come from the models where the view is behind the required position", async () => {
    const { session, complete } = await serve(head - 3);
    await complete();
    expect(await session(head - 3)).toMatchObject({ servedBy: "redis", position: `0:${head - 3}` });
    expect(await session(head)).toMatchObject({ servedBy: "models", position: `0:${head}` });
  });

  test("come from the models while Redis is away, hangs or has lost them", async () => {
    const { session, complete } = await serve(head);
    await complete();
    const { body } = await session();
    const back = () =>
      vi.waitFor(async () => expect(await session()).toMatchObject({ servedBy: "redis", body }), { timeout: 25_000 });
    node().link.hold();
    expect(await session()).toMatchObject({ servedBy: "models", body });
    node().link.mend();
    await back();
    node().link.cut();
    expect(await session()).toMatchObject({ servedBy: "models", body });
    node().link.mend();
    await back();
    await node().command("FLUSHALL");
    expect(await session()).toMatchObject({ servedBy: "models", body });
  });
});
