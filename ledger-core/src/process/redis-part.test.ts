import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readConfiguration } from "./configuration.ts";
import type { Environment } from "./env.ts";
import { limitsPart, sessionsPart } from "./redis-part.ts";

const sessions = (environment: Environment) => readConfiguration({ sessions: sessionsPart }, environment).sessions;

test("session views are in the read models by default", () => {
  expect(sessions({})).toEqual({ kind: "none" });
  expect(sessions({ SESSIONS: "models" })).toEqual({ kind: "none" });
});

test("or in a Redis, encrypted unless told otherwise", () => {
  expect(sessions({ SESSIONS: "redis://a.example:6380,[::1]:6381" })).toEqual({
    ...{ kind: "redis", nodes: ["a.example:6380", "[::1]:6381"], tls: {} },
  });
  expect(sessions({ SESSIONS: "redis://127.0.0.1:6379", SESSIONS_TLS: "false" })).not.toHaveProperty("tls");
  const login = { SESSIONS: "redis://a.example:10000", SESSIONS_USERNAME: "object-id", SESSIONS_PASSWORD: "planted" };
  const target = sessions({ ...login, SESSIONS_CA: "PEM" });
  expect(target).toMatchObject({ credentials: { username: "object-id" }, tls: { ca: "PEM" } });
  expect(JSON.stringify(target)).not.toContain("planted");
});

test("a password in a file is read again, so that a renewed token is taken", async () => {
  const folder = await mkdtemp(join(tmpdir(), "redis-part-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "token");
  await writeFile(file, "first\n");
  const target = sessions({ SESSIONS: "redis://a:1", SESSIONS_USERNAME: "id", SESSIONS_PASSWORD_FILE: file });
  const credentials = target.kind === "redis" ? target.credentials : undefined;
  const password = () => credentials && "password" in credentials && credentials.password.reveal();
  expect(password()).toBe("first");
  await writeFile(file, "second\n");
  expect(password()).toBe("second");
  await rm(file);
  expect(password()).toBe("second");
});

const byToken = { SESSIONS: "redis://a:1", SESSIONS_USERNAME: "object-id", SESSIONS_AUTH: "entra" };
const azure = { AZURE_TENANT_ID: "a-tenant", AZURE_CLIENT_ID: "a-client", AZURE_FEDERATED_TOKEN: "planted" };

test("a user may log in with the tokens of the workload's identity", () => {
  const entra = { tenant: "a-tenant", scope: "https://redis.azure.com/.default" };
  expect(sessions({ ...byToken, ...azure })).toMatchObject({ credentials: { username: "object-id", entra } });
});

test.each<[Environment, string]>([
  [{ SESSIONS: "rediss://a.example:1" }, "SESSIONS must be models or redis://<host>:<port>"],
  [{ SESSIONS: "redis://a.example" }, "SESSIONS must be models or redis://<host>:<port>"],
  [{ SESSIONS: "redis://u:planted@a.example:1" }, "put them into SESSIONS_USERNAME and SESSIONS_PASSWORD"],
  [{ SESSIONS: "redis://a:1", SESSIONS_USERNAME: "u" }, "SESSIONS_USERNAME and SESSIONS_PASSWORD go together"],
  [{ SESSIONS_USERNAME: "u", SESSIONS_PASSWORD: "planted" }, "are for a redis:// URL in SESSIONS"],
  [
    { SESSIONS: "redis://a:1", SESSIONS_TLS: "false", SESSIONS_USERNAME: "u", SESSIONS_PASSWORD: "planted" },
    "SESSIONS_PASSWORD would cross the network in clear",
  ],
  [{ SESSIONS: "redis://a:1", SESSIONS_TLS: "false", SESSIONS_CA: "PEM" }, "SESSIONS_CA is of no use"],
  [byToken, "SESSIONS_AUTH is entra: set AZURE_TENANT_ID"],
  [{ ...byToken, ...azure, SESSIONS_TLS: "false" }, "tokens never cross a network in clear"],
  [{ ...byToken, ...azure, SESSIONS_PASSWORD: "planted" }, "SESSIONS_AUTH is entra: remove SESSIONS_PASSWORD"],
  [{ SESSIONS_AUTH: "entra" }, "are for a redis:// URL in SESSIONS"],
])("%j is refused, without repeating a password", (environment, text) => {
  expect(() => sessions(environment)).toThrow(text);
  expect(() => sessions(environment)).not.toThrow("planted");
});

test("limits have settings of the same form", () => {
  const limits = (environment: Environment) => readConfiguration({ limits: limitsPart }, environment).limits;
  expect(limits({})).toEqual({ kind: "none" });
  expect(limits({ LIMITS: "memory" })).toEqual({ kind: "none" });
  const login = {
    LIMITS: "redis://a.example:10000",
    LIMITS_USERNAME: "id",
    LIMITS_PASSWORD: "planted",
    LIMITS_CA: "PEM",
  };
  expect(limits(login)).toMatchObject({
    nodes: ["a.example:10000"],
    credentials: { username: "id" },
    tls: { ca: "PEM" },
  });
  expect(() => limits({ LIMITS: "redis://a" })).toThrow("LIMITS must be memory or redis://<host>:<port>");
  expect(() => limits({ LIMITS_USERNAME: "u" })).toThrow("LIMITS_USERNAME and LIMITS_PASSWORD go together");
});
