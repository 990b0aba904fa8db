import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteLogReader, type StoredEvent } from "ledger-core/event-log";
import { projectionNames } from "projection-workers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { documentOf, ledger, runLedger, type Server, startServer } from "../ledger.fixture.ts";

const home = mkdtempSync(join(tmpdir(), "ledger-backup-"));
const backup = join(home, "backup");
const restored = join(home, "restored");
let server: Server;
let operator: string;
beforeAll(async () => {
  server = await startServer();
  operator = (await ledger("token", "--role", "operator", "--data", server.dir)).stdout.trim();
});
afterAll(async () => {
  await server.remove();
  rmSync(home, { recursive: true, force: true });
});

async function openAccount(url: string, key: string): Promise<number> {
  const headers = { authorization: `Bearer ${operator}`, "content-type": "application/json", "idempotency-key": key };
  const body = JSON.stringify({ type: "wallet", currency: "HKD", owner: key });
  return (await fetch(`${url}/v1/accounts`, { method: "POST", headers, body })).status;
}

async function eventsOf(folder: string): Promise<StoredEvent[]> {
  const log = openSqliteLogReader({ file: join(folder, "events.sqlite") });
  const found: StoredEvent[] = [];
  for await (const events of log.read(0, 0)) found.push(...events);
  await log.close();
  return found;
}

test("under load: a backup holds what was acknowledged before it, restores, and equals the log", async () => {
  for (let n = 0; n < 50; n++) expect(await openAccount(server.url, `before-${n}`)).toBe(201);
  const head = await server.head();
  let ended = false;
  const statuses = new Set<number>();
  const client = async (name: string) => {
    for (let n = 0; !ended; n++) statuses.add(await openAccount(server.url, `${name}-${n}`));
  };
  const load = Promise.all(["a", "b", "c", "d"].map(client));
  const made = await ledger("backup", backup, "--data", server.dir, "--json");
  ended = true;
  await load;
  expect(made.code, made.stderr).toBe(0);
  expect([...statuses]).toEqual([201]);
  expect(readdirSync(server.dir).filter((name) => name.endsWith(".ticket"))).toEqual([]);

  const preview = await ledger("restore", backup, "--preview", "--json");
  expect(preview.code, preview.stderr).toBe(0);
  const done = await ledger("restore", backup, "--to", restored, "--json");
  expect(done.code, done.stderr).toBe(0);
  expect(documentOf(done).shards).toEqual(documentOf(preview).shards);
  await server.stop();
  const events = await eventsOf(restored);
  expect(events.length).toBe(documentOf(made).events);
  expect(events.length).toBeGreaterThan(head);
  expect(events).toEqual((await eventsOf(server.dir)).slice(0, events.length));

  const running = runLedger("start", "--data", restored, "--port", "0", "--json");
  const [, url = ""] = await running.printed(/"url":"([^"]+)"/);
  // The key of the former folder signs its tokens, and a repeated command has its former answer.
  expect(await openAccount(url, "before-0")).toBe(201);
  const verified = await ledger("verify", "--data", restored, "--json");
  expect(verified.code, verified.stdout + verified.stderr).toBe(0);
  expect(documentOf(verified).projections).toMatchObject(
    projectionNames.map((projection) => ({ projection, result: { verdict: "equal", differing: 0 } })),
  );
  running.child.kill("SIGTERM");
  await running.ended;
});

test("of a stopped ledger; an interrupted backup, and a target in use, are refused in words", async () => {
  const second = join(home, "second");
  const made = await ledger("backup", second, "--data", restored);
  expect(made.code, made.stderr).toBe(0);
  expect(made.stdout).toMatch(/events, keys/);
  rmSync(join(second, "backup.json"));
  const refused = await ledger("restore", second, "--to", join(home, "third"));
  expect([refused.code, refused.stdout]).toEqual([3, expect.stringMatching(/backup\.json: .*interrupted/)]);
  expect(existsSync(join(home, "third"))).toBe(false);
  const occupied = await ledger("restore", backup, "--to", restored);
  expect([occupied.code, occupied.stderr]).toEqual([2, expect.stringContaining("never over another")]);
});
