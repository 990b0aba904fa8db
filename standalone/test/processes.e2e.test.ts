import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startWarehouseServer, TOKEN } from "analytics-export/testing";
import { embeddedIds, sessionOf } from "ledger-core/http/tokens";
import { dataPaths } from "ledger-core/process/data-paths";
import { newestStore } from "ledger-core/sql";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { openDataFolder } from "../src/data-folder.ts";
import { type Client, createClient, type Endpoint, revisionOf } from "./client.ts";
import { makeToken } from "./harness.ts";
import { writeReports } from "./job-tables.ts";
import { at, textAt } from "./json.ts";
import { type StartedService, startService } from "./services.ts";
import { expectProblem, fundedWallet, openAccount, pay } from "./steps.ts";

/*
 * Commands, projections and queries in three processes on one data folder: a GET with the position of a POST's answer
 * sees its effect in another process.
 */

const patient = { timeout: 60_000, interval: 50 };
const data = mkdtempSync(join(tmpdir(), "payledger-processes-"));
const { models, views } = dataPaths(data);
const writes: Endpoint = { url: "", revision: -1 };
let writer: StartedService;
let projections: StartedService;
let queries: StartedService;
let operator: Client;
/** A token that was revoked before the services were restarted. */
let revoked: string;
let tokenOf: (role: string, owner: string) => Promise<string>;

beforeAll(async () => {
  await openDataFolder(data);
  writer = await startService("command-service", data);
  projections = await startService("projections", data);
  queries = await startService("query-service", data);
  writes.url = writer.url;
  tokenOf = (role, owner) => makeToken(data, role, owner, "default");
  operator = clientOf(await tokenOf("operator", "operator"));
});
afterAll(async () => {
  for (const service of [queries, projections, writer]) await service?.end("SIGKILL").catch(() => null);
  rmSync(data, { recursive: true, force: true });
});

/** A client whose commands and queries go to different processes; its queries require the positions of its commands. */
function clientOf(token: string): Client {
  const commands = createClient(writes, token);
  return {
    token,
    post: commands.post,
    get: (path, headers = {}) =>
      createClient({ url: queries.url, revision: writes.revision }, token).get(path, headers),
  };
}

test("a query in another process sees the command whose position it carries, every time", async () => {
  const payer = await fundedWallet(operator, "100000", { owner: "eager" });
  const payee = await openAccount(operator, { type: "merchant" });
  for (let n = 1; n <= 40; n++) {
    const made = await pay(operator, { payer, payee, amount: "1" });
    const seen = await operator.get(`/v1/accounts/${payee}`);
    expect(seen.body).toMatchObject({ balances: { posted: String(n) } });
    expect(revisionOf(seen)).toBeGreaterThanOrEqual(revisionOf(made));
    const payment = await operator.get(`/v1/payments/${textAt(made.body, "id")}`);
    expect(payment.body).toEqual(made.body);
  }
  const eager = clientOf(await tokenOf("consumer", "eager"));
  const session = await eager.get("/v1/me/session");
  expect(session.body).toMatchObject({ owner: "eager", accounts: [{ id: payer, balances: { posted: "99960" } }] });
  const entries = await eager.get(`/v1/accounts/${payer}/entries?limit=1`);
  expect(at(entries.body, "data", 0)).toMatchObject({ amount: "-1", balanceAfter: "99960" });
});

test("a position ahead of the log is answered 503 once Ledger-Wait has passed", async () => {
  const account = await openAccount(operator);
  const ahead = { "ledger-position": "0:99999999", "ledger-wait": "200" };
  const reply = await operator.get(`/v1/accounts/${account}`, ahead);
  expectProblem(reply, 503);
  expect(reply.headers.get("retry-after")).toMatch(/^\d+$/);
});

test("while the projections are down, queries answer from the projected data; then they catch up", async () => {
  const account = await openAccount(operator, { owner: "patient" });
  expect((await operator.get(`/v1/accounts/${account}`)).status).toBe(200);
  await projections.end("SIGKILL");
  const later = await openAccount(operator, { owner: "patient" });
  expect((await operator.get(`/v1/accounts/${account}`, { "ledger-position": "0:0" })).status).toBe(200);
  expectProblem(await operator.get(`/v1/accounts/${later}`, { "ledger-wait": "100" }), 503);
  projections = await startService("projections", data);
  expect((await operator.get(`/v1/accounts/${later}`)).body).toMatchObject({ id: later, owner: "patient" });
});

test("deleted files are rebuilt under other names, and the query process finds them", async () => {
  const account = await openAccount(operator, { owner: "steady" });
  for (const file of [models, views]) for (const end of ["", "-wal", "-shm"]) rmSync(file + end);
  const steady = clientOf(await tokenOf("consumer", "steady"));
  await vi.waitFor(async () => {
    expect(newestStore(models)).toMatch(/models\.2\.sqlite$/);
    expect(newestStore(views)).toMatch(/views\.2\.sqlite$/);
    expect((await operator.get(`/v1/accounts/${account}`)).body).toMatchObject({ id: account });
    expect((await steady.get("/v1/me/session")).body).toMatchObject({ owner: "steady", accounts: [{ id: account }] });
  }, patient);
});

test("every process says that it is ready, and a second writer is refused", async () => {
  for (const { operations } of [writer, projections, queries]) {
    // /readyz may describe a store as it was up to a second ago.
    await vi.waitFor(async () => {
      const reply = await fetch(`${operations}/readyz`);
      expect([reply.status, await reply.text()]).toEqual([200, expect.stringContaining('"status":"ready"')]);
    }, patient);
    expect((await fetch(`${operations}/livez`)).status).toBe(200);
    expect(await (await fetch(`${operations}/metrics`)).text()).toContain("# TYPE");
  }
  for (const { url } of [writer, queries]) {
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    expect((await fetch(`${url}/metrics`)).status).toBe(404);
  }
  await expect(startService("command-service", data)).rejects.toThrow(/ended with 1 .*held by another process/s);
});

test("docs/operations.md names the metrics of each process, and no others", async () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/operations.md"), "utf8");
  const rows = [...page.matchAll(/^\| `(\w+)` \| ([\w, -]+) \| (\w+) \|/gm)];
  const served = { "command-service": writer, projections, "query-service": queries };
  for (const [name, { operations }] of Object.entries(served)) {
    const text = await (await fetch(`${operations}/metrics`)).text();
    const types = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, metric, type]) => `${metric} ${type}`);
    const documented = rows.filter(([, , processes]) => processes?.split(", ").includes(name));
    expect(types.sort(), name).toEqual(documented.map(([, metric, , type]) => `${metric} ${type}`).sort());
  }
});

test("a token revoked at the command-service is refused by both services, used before or not", async () => {
  const [used, unused] = [await tokenOf("auditor", "auditor"), await tokenOf("auditor", "auditor")];
  expect(await clientOf(used).get("/v1/accounts")).toMatchObject({ status: 200 });
  expect(await clientOf(used).post("/v1/payments", {})).toMatchObject({ status: 403 });
  for (const token of [used, unused]) {
    const { id } = sessionOf(token, embeddedIds);
    expect((await operator.post(`/v1/sessions/${id}/revoke`)).body).toMatchObject({ id });
  }
  for (const token of [used, unused])
    await vi.waitFor(async () => {
      expect(await clientOf(token).get("/v1/accounts")).toMatchObject({ status: 401 });
      expect(await clientOf(token).post("/v1/payments", {})).toMatchObject({ status: 401 });
    }, patient);
  revoked = used;
});

test("a query process reads reports from a lake's folder or a warehouse, wherever GOLD_TABLES says", async () => {
  const merchant = await openAccount(operator, { type: "merchant" });
  expect((await operator.get(`/v1/accounts/${merchant}`)).status).toBe(200);
  const warehouse = await startWarehouseServer({ catalog: "payledger", schema: "gold" });
  await writeReports(data, merchant, 1);
  await writeReports(data, merchant, 2, async (table, rows) => warehouse.write(table, rows));
  const { lake, exportKey } = dataPaths(data);
  const place = warehouse.url.replace("http:", "databricks:");
  for (const [position, environment] of [
    ["0:1", { GOLD_TABLES: `folder:${lake}` }],
    ["0:2", { GOLD_TABLES: `${place}/abc123/payledger/gold`, GOLD_TABLES_TOKEN: TOKEN }],
  ] as const) {
    const service = await startService("query-service", data, { ...environment, EXPORT_KEY_FILE: exportKey });
    const client = createClient({ url: service.url, revision: -1 }, operator.token);
    const { body, status } = await client.get(`/v1/accounts/${merchant}/reports/daily-sales`);
    expect([status, body]).toMatchObject([200, { position, data: [{ final: false }, { final: true, gross: "3650" }] }]);
    expect((await client.get(`/v1/accounts/${merchant}/recommendations`)).status).toBe(200);
    expect(await service.end("SIGTERM")).toBe(0);
    expect(service.output()).not.toContain(TOKEN);
  }
  await warehouse.close();
});

test("SIGTERM ends each process in order, and acknowledged events are there after a restart", async () => {
  const account = await openAccount(operator, { owner: "steady" });
  expect(await queries.end("SIGTERM")).toBe(0);
  expect(await projections.end("SIGTERM")).toBe(0);
  expect(await writer.end("SIGTERM")).toBe(0);
  projections = await startService("projections", data);
  queries = await startService("query-service", data);
  writer = await startService("command-service", data);
  writes.url = writer.url;
  expect((await operator.get(`/v1/accounts/${account}`)).body).toMatchObject({ id: account });
  const another = await openAccount(operator, { owner: "steady" });
  expect((await operator.get(`/v1/accounts/${another}`)).body).toMatchObject({ id: another });
  expect(await clientOf(revoked).get("/v1/accounts")).toMatchObject({ status: 401 });
  expect(await clientOf(revoked).post("/v1/payments", {})).toMatchObject({ status: 401 });
});
