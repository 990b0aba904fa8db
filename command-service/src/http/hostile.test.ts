import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { type EventLog, openSqliteLog } from "ledger-core/event-log";
import { sendRaw } from "ledger-core/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type HostileRequest, hostileRequests, prepareHostileWorld } from "../testing/index.ts";
import { serveCommands } from "../testing/served.ts";
import { openWriter } from "../writer/writer.ts";
import type { Writer } from "../writer-port.ts";

let folder: string;
let log: EventLog;
let writer: Writer;
let app: FastifyInstance;
let port: number;
let requests: readonly HostileRequest[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "payledger-hostile-"));
  log = await openSqliteLog({ file: join(folder, "events.sqlite") });
  writer = await openWriter({ log, shard: 0, stateFile: join(folder, "state.sqlite"), expiryEveryMs: 0 });
  const served = await serveCommands({ writer });
  app = served.app;
  port = Number(new URL(await app.listen({ host: "127.0.0.1", port: 0 })).port);
  requests = await hostileRequests(await prepareHostileWorld(port, served.keys));
});
afterAll(async () => {
  await app.close();
  await writer.stop();
  await log.close();
  rmSync(folder, { recursive: true });
});

test("every hostile request gets its status and code, and the log not one event", async () => {
  const before = await log.head(0);
  const wrong: object[] = [];
  for (const { name, bytes, status, code, pointer } of requests) {
    const answer = await sendRaw(port, bytes);
    const problem = JSON.parse(answer?.body || "{}");
    const told = pointer === undefined ? undefined : problem.errors?.[0]?.pointer;
    const right = answer?.status === status && problem.code === code && told === pointer;
    if (!right) wrong.push({ name, status, code, pointer, answered: answer?.body });
    expect(answer?.headers.get("content-type"), name).toBe("application/problem+json");
    expect(answer?.body, name).not.toMatch(/\bat .+\.[jt]s:\d+/);
  }
  expect(wrong).toEqual([]);
  expect(await log.head(0)).toBe(before);
});

test("the list is as long as it should be, and no two lines have one name", () => {
  expect(requests.length).toBeGreaterThan(300);
  const names = requests.map(({ name }) => name);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});
