import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { signToken } from "ledger-core/http/tokens";
import { createLogger } from "ledger-core/process";
import { newestStore } from "ledger-core/sql";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openDataFolder } from "./data-folder.ts";
import { type Standalone, startStandalone } from "./main.ts";

/** Read model files damaged as by real disks, while the ledger serves and before it starts. */

const logger = createLogger({ level: "silent", name: "test" });
let dataDir = "";
let mounted: string | undefined;
let server: Standalone | undefined;
/** The last opened account. */
let account = "";

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "read-models-"));
});
afterEach(async () => {
  await server?.stop();
  server = undefined;
  if (mounted) execFileSync("umount", [mounted]);
  mounted = undefined;
  rmSync(dataDir, { recursive: true });
});

async function start(): Promise<string> {
  server = await startStandalone({ dataDir, port: 0, logger, projections: { asideEveryMs: 0 } });
  return server.url;
}

async function headers(more: Record<string, string> = {}): Promise<Record<string, string>> {
  const { signingKeys } = await openDataFolder(dataDir);
  const token = await signToken({ tenant: "default", role: "operator", sub: "test", ttlSeconds: 600 }, signingKeys);
  return { authorization: `Bearer ${token}`, "content-type": "application/json", ...more };
}

/** Opens an account and returns its position in the log. */
async function openAccount(url: string, key: string, metadata: Record<string, string> = {}): Promise<string> {
  const body = JSON.stringify({ type: "wallet", currency: "HKD", owner: key, metadata });
  const answer = await fetch(`${url}/v1/accounts`, {
    method: "POST",
    headers: await headers({ "idempotency-key": key }),
    body,
  });
  expect(answer.status).toBe(201);
  account = JSON.parse(await answer.text()).id;
  return answer.headers.get("ledger-position") ?? "";
}

async function ask(url: string, path: string, position: string, waitMs = 10_000) {
  const answer = await fetch(url + path, {
    headers: await headers({ "ledger-position": position, "ledger-wait": `${waitMs}` }),
  });
  return { status: answer.status, text: await answer.text() };
}

/** Retries until the answer is not "unavailable". */
async function untilAnswered(url: string, path: string, position: string) {
  for (;;) {
    const answer = await ask(url, path, position);
    if (answer.status !== 503) return answer;
  }
}

type Check = { readonly name: string; readonly ready: boolean; readonly detail: string };

/** Polls /readyz, as a client sees it, until a check is as expected. */
async function untilReady(url: string, name: string, fits: (check: Check) => boolean): Promise<Check> {
  return vi.waitFor(
    async () => {
      const { checks }: { checks: Check[] } = JSON.parse(await (await fetch(`${url}/readyz`)).text());
      const check = checks.find((one) => one.name === name);
      if (!check || !fits(check)) throw new Error(`/readyz says of ${name}: ${check?.detail}`);
      return check;
    },
    { timeout: 100_000, interval: 20 },
  );
}

const large = Object.fromEntries(Array.from({ length: 18 }, (_, n) => [`key-${n}`, "v".repeat(500)]));
const files = [
  { file: "models.sqlite", part: "models", path: () => "/v1/accounts?limit=1", shows: '"wallet"' },
  { file: "views.sqlite", part: "graph", path: () => `/v1/accounts/${account}/recommendations`, shows: '"data":[]' },
] as const;

/**
 * A separate file system, so that filling it up affects nothing else. Undefined, with the reason, if none can be
 * mounted.
 */
async function mount(sizeKiB: number): Promise<string> {
  await openDataFolder(dataDir);
  const folder = join(dataDir, "small");
  mkdirSync(folder);
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${sizeKiB}k`, "tmpfs", folder]);
  mounted = folder;
  return folder;
}

function whyNoMount(): string | undefined {
  if (process.getuid?.() !== 0) return "mounting a small file system takes root";
  const folder = mkdtempSync(join(tmpdir(), "mount-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], { stdio: "ignore" });
    execFileSync("umount", [folder]);
    return undefined;
  } catch {
    return "this machine lets nobody mount a file system";
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const cannot = whyNoMount();
describe.skipIf(cannot !== undefined)(cannot ?? "on a file system that is full", () => {
  test.each(files)("$part waits for room and says so; commands and the other projections go on", async (one) => {
    const small = await mount(1024);
    symlinkSync(join(small, one.file), join(dataDir, one.file));
    const url = await start();
    let last = await openAccount(url, "first");
    const other = files.find(({ part }) => part !== one.part) ?? one;
    let stuck: Check | undefined;
    for (let n = 0; !stuck; n++) {
      last = await openAccount(url, `fills-${n}`, large);
      const { checks }: { checks: Check[] } = JSON.parse(await (await fetch(`${url}/readyz`)).text());
      stuck = checks.find(({ name, ready }) => name === one.part && !ready);
    }
    expect(stuck.detail).toContain("retrying: store_unavailable");
    expect(stuck.detail).not.toMatch(/\.sqlite|\/tmp|small/i);
    last = await openAccount(url, "while-full");
    await untilReady(url, other.part, ({ ready, detail }) => ready && detail.startsWith(`at ${last}`));
    const refused = await ask(url, one.path(), last, 50);
    expect(refused.status).toBe(503);
    expect(refused.text).not.toMatch(/\.sqlite|select|small/i);

    execFileSync("mount", ["-o", "remount,size=262144k", small]);
    await untilReady(url, one.part, ({ ready }) => ready);
    expect((await ask(url, one.path(), last)).status).toBe(200);
  });

  test("a start without room serves commands, and projects when there is room", async () => {
    const small = await mount(16);
    writeFileSync(join(small, "filler"), Buffer.alloc(16 * 1024));
    for (const { file } of files) symlinkSync(join(small, file), join(dataDir, file));
    const url = await start();
    const last = await openAccount(url, "one");
    for (const { part } of files) {
      const { detail } = await untilReady(url, part, ({ ready }) => !ready);
      expect(detail).toContain("retrying: store_unavailable");
    }
    expect((await ask(url, "/v1/accounts", last, 50)).status).toBe(503);
    execFileSync("mount", ["-o", "remount,size=65536k", small]);
    for (const { path } of files) expect((await untilAnswered(url, path(), last)).status).toBe(200);
  });
});

describe("a file that cannot be read", () => {
  test.each(files)(
    "$file overwritten while it is served: 503, then rebuilt by itself",
    async ({ file, part, path, shows }) => {
      const url = await start();
      await openAccount(url, "one");
      const last = await openAccount(url, "test");
      await untilReady(url, part, ({ detail }) => detail.startsWith(`at ${last}`));
      for (const name of [file, `${file}-wal`]) {
        const whole = join(dataDir, name);
        writeFileSync(whole, Buffer.alloc(readFileSync(whole).length, "damage "), { flag: "r+" });
      }
      const first = await ask(url, path(), last, 0);
      expect(first.status).toBe(503);
      expect(first.text).not.toMatch(/\.sqlite|select|view/i);
      // Commands continue meanwhile, and the answer is right as soon as there is one.
      const later = await openAccount(url, "meanwhile");
      const { status, text } = await untilAnswered(url, path(), later);
      expect(status).toBe(200);
      expect(text).toContain(shows);
      expect(existsSync(join(dataDir, `${file}.damaged`))).toBe(true);
      await untilReady(url, part, ({ ready, detail }) => ready && !detail.includes("rebuil"));
    },
  );

  test.each(files)("$file deleted while it is served is rebuilt", async ({ file, part, path, shows }) => {
    const url = await start();
    const first = await openAccount(url, "test");
    await untilReady(url, part, ({ detail }) => detail.startsWith(`at ${first}`));
    for (const name of [file, `${file}-wal`, `${file}-shm`]) rmSync(join(dataDir, name), { force: true });
    await untilReady(url, part, () => existsSync(newestStore(join(dataDir, file))));
    const later = await openAccount(url, "later");
    const { status, text } = await untilAnswered(url, path(), later);
    expect(status).toBe(200);
    expect(text).toContain(shows);
    expect(existsSync(newestStore(join(dataDir, file)))).toBe(true);
  });

  test("a build that starts over is not queried before it has reached the log's end", async () => {
    const url = await start();
    for (let n = 0; n < 30; n++) await openAccount(url, `key-${n}`);
    await server?.stop();
    truncateSync(join(dataDir, "models.sqlite"), 4096 * 2 + 17);
    const again = await start();
    const { status, text } = await ask(again, "/v1/accounts?limit=200", "0:0");
    expect(status).toBe(200);
    expect(JSON.parse(text).data.length).toBe(30);
  });

  test.each([
    ["models", "DELETE FROM model_migrations WHERE name = (SELECT max(name) FROM model_migrations)"],
    ["views", "DROP INDEX graph_edges_0"],
  ] as const)(
    "%s of an earlier version stay until new ones are complete, which are asked only then",
    async (name, age) => {
      const url = await start();
      for (let n = 0; n < 30; n++) await openAccount(url, `key-${n}`);
      await server?.stop();
      const [former, next] = [join(dataDir, `${name}.sqlite`), join(dataDir, `${name}.2.sqlite`)];
      const database = new DatabaseSync(former);
      database.exec(age);
      database.close();
      const again = await start();
      const { status, text } = await ask(again, "/v1/accounts?limit=200", "0:0");
      expect(status).toBe(200);
      expect(JSON.parse(text).data.length).toBe(30);
      expect(await ask(again, `/v1/accounts/${account}/recommendations`, "0:0")).toMatchObject({ status: 200 });
      const [part] = files.filter(({ file }) => file === `${name}.sqlite`);
      await untilReady(again, part?.part ?? "", ({ ready }) => ready && !existsSync(former));
      expect(existsSync(next)).toBe(true);
    },
  );
});
