import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { assert } from "../../domain/errors.ts";
import { entraScopes } from "../../process/entra-login.ts";
import { type EntraServer, startEntraServer } from "../../testing/engines/entra-server.ts";
import type { RedisNode } from "../../testing/engines/redis/node.ts";
import { findRedis, type RedisServer, startRedis } from "../../testing/engines/redis/redis.ts";
import { connectRedis } from "./client.ts";
import type { RedisTuning } from "./connection.ts";
import { redisScript } from "./script.ts";

const source = await findRedis();
const count = redisScript("return redis.call('INCR', KEYS[1])");
const username = "object-id";

describe.skipIf(source.kind !== "local")("logging in to a real Redis with Entra tokens", () => {
  let server: RedisServer;
  let node: RedisNode;
  let entra: EntraServer;
  beforeAll(async () => {
    server = await startRedis(source);
    const [first] = server.nodes;
    assert(first, "a server of this machine");
    node = first;
    entra = await startEntraServer(entraScopes.redis);
  });
  afterAll(async () => {
    await entra.close();
    await server.stop();
  });

  function connect(tuning: Partial<RedisTuning> = {}) {
    const credentials = { username, entra: entra.target };
    const often = { renewEveryMs: 20, entra: { renewEveryMs: 0 } };
    const redis = connectRedis("a test", { ...server.access, credentials }, { ...often, ...tuning });
    onTestFinished(() => redis.close());
    return redis;
  }

  /** As when a token is issued or expires: the user's passwords are those of the tokens that are valid. */
  const accept = (...tokens: readonly string[]) =>
    node.command("ACL", "SETUSER", username, "reset", "on", ...tokens.map((token) => `>${token}`), "~*", "+@all");
  /** The nth token from now on. */
  const next = (n = 1) => `access-token-${entra.given.length + n}-for-${entraScopes.redis}`;
  const logins = async () => String(await node.command("INFO", "commandstats")).match(/cmdstat_auth:calls=(\d+)/)?.[1];
  const connection = async () =>
    String(await node.command("CLIENT", "LIST")).match(new RegExp(`id=(\\d+) .*user=${username}`))?.[1];
  const patient = { timeout: 30_000 };

  test("a token is the object id's password, and the next one is sent on the live connection in time", async () => {
    entra.validFor(60, 3600);
    await accept(next(1), next(2));
    const redis = connect({ renewBeforeMs: 600_000, entra: { renewBeforeMs: 600_000 } });
    expect(await redis.run(count, ["n"], [])).toBe(1);
    expect(entra.requests[0]).toMatchObject({ scope: entraScopes.redis, client_id: "a-client" });
    const [before, id] = [await logins(), await connection()];
    expect(id).toBeDefined();
    await vi.waitFor(() => expect(entra.given).toHaveLength(2), patient);
    await vi.waitFor(async () => expect(await logins()).not.toBe(before), patient);
    expect(await connection()).toBe(id);
    expect(String(await node.command("INFO", "errorstats"))).not.toContain("WRONGPASS");
  });

  test("a login that is refused because its token expired early is repeated with a new token", async () => {
    entra.validFor(3600);
    await accept(next());
    const redis = connect();
    expect(await redis.run(count, ["m"], [])).toBe(1);
    await accept(next());
    await node.command("CLIENT", "KILL", "USER", username);
    expect(await vi.waitFor(() => redis.run(count, ["m"], []), patient)).toBe(2);
  });

  test("while Entra gives no token, errors say so without a secret; then it goes on", async () => {
    entra.fail("invalid_client");
    await accept(next());
    const redis = connect({ retryMs: { first: 1, most: 10 } });
    const refused: unknown = await redis.run(count, ["o"], []).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "store_unavailable", retryable: true });
    expect(refused).toMatchObject({ message: "Entra tokens: status 400 invalid_client 700211" });
    expect(inspect(refused, { depth: 9, showHidden: true })).not.toContain(entra.target.assertion.reveal());
    entra.fail(undefined);
    expect(await vi.waitFor(() => redis.run(count, ["o"], []), patient)).toBe(1);
  });
});
