import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectionNames } from "projection-workers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { documentOf, ledger, type Server, startServer } from "./ledger.fixture.ts";

let server: Server;
let scratch = "";
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "ledger-scratch-"));
  server = await startServer();
});
afterAll(async () => {
  await server.remove();
  rmSync(scratch, { recursive: true });
});

describe("usage", () => {
  test.each([
    [["pay"], "unknown command 'pay'"],
    [["token"], "required option '--role <role>' not specified"],
    [["token", "--role", "king"], "Allowed choices are operator, service, consumer, merchant, auditor"],
    [["token", "--role", "consumer"], "a consumer needs --owner"],
    [["token", "--role", "operator", "--ttl", "soon"], "It must be like 90s, 15m, 12h or 30d."],
    [["start", "--port", "70000"], "It must be a whole number from 0 to 65535."],
    [["rebuild", "everything"], "Allowed choices are models, graph"],
    [["import", "berka"], "missing required argument 'file'"],
    [["import", "berka", "x.csv", "--url", "ftp://x"], "It must be like http://127.0.0.1:8080."],
    [["status", "--loud"], "unknown option '--loud'"],
  ])("%j ends with 2 and says why", async (args, message) => {
    const { code, stdout, stderr } = await ledger(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
  });

  test.each([[[]], [["start"]], [["token"]], [["status"]], [["import", "berka"]], [["rebuild"]]])(
    "%j --help teaches with examples",
    async (args) => {
      const { code, stdout } = await ledger(...args, "--help");
      expect(code).toBe(0);
      expect(stdout).toMatch(/\n {2}ledger [a-z]+ .*\n/);
      expect(stdout).toContain("Exit codes:");
    },
  );
});

test("only the token is printed, and it opens the API while the server runs", async () => {
  const { code, stdout, stderr } = await ledger("token", "--role", "auditor", "--data", server.dir);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  const headers = { authorization: `Bearer ${stdout.trim()}` };
  expect((await fetch(`${server.url}/v1/accounts`, { headers })).status).toBe(200);
  expect((await fetch(`${server.url}/v1/accounts`)).status).toBe(401);
});

test("a token made before the first start is valid after it, and only the user can read the keys", async () => {
  const dir = join(scratch, "new");
  const document = documentOf(await ledger("token", "--role", "operator", "--data", dir, "--json", "--ttl", "15m"));
  expect(document).toMatchObject({ role: "operator", tenant: "default", sub: "operator" });
  const before = await ledger("token", "--role", "operator", "--data", dir);
  expect(before.code).toBe(0);
  for (const file of ["keys/token-signing.jwk.json", "keys/cursor.key"]) {
    expect(statSync(join(dir, file)).mode & 0o077, file).toBe(0);
  }
});

test("status reports that the ledger serves, and its position", async () => {
  const ended = await ledger("status", "--data", server.dir, "--json");
  expect(ended.code).toBe(0);
  const { url, status, log, projections } = documentOf(ended);
  expect({ url, status }).toEqual({ url: server.url, status: "ready" });
  expect(log).toEqual([{ shard: 0, head: await server.head() }]);
  expect(projections).toMatchObject(projectionNames.map((name) => ({ name })));
  const lines = await ledger("status", "--data", server.dir);
  expect(lines.stdout).toContain(`${server.url}: ready`);
});

test("rails are configuration, and a malformed list is refused", async () => {
  const help = await ledger("start", "--help");
  expect(help.stdout).toContain("fps,card,bank");
  const { code, stderr } = await ledger("start", "--data", join(scratch, "rails"), "--port", "0", "--rails", "fps,,x");
  expect({ code, made: existsSync(join(scratch, "rails")) }).toEqual({ code: 2, made: false });
  expect(stderr).toContain("--rails");
});

test("a token for a reserved owner is refused", async () => {
  const { code, stderr } = await ledger("token", "--role", "consumer", "--owner", "rail:fps", "--data", server.dir);
  expect(code).toBe(2);
  expect(stderr).toContain("rail:");
});

describe("client commands without a ledger", () => {
  test("a missing folder is reported, and not created", async () => {
    const dir = join(scratch, "absent");
    const { code, stderr } = await ledger("status", "--data", dir);
    expect({ code, made: existsSync(dir) }).toEqual({ code: 9, made: false });
    expect(stderr).toContain(`${dir} is not a ledger's data folder`);
  });

  test("an unreachable server is reported as such, in JSON too", async () => {
    const ended = await ledger("status", "--data", server.dir, "--url", "http://127.0.0.1:9", "--json");
    expect(ended.code).toBe(1);
    expect(documentOf(ended)).toEqual({
      error: { message: expect.stringContaining("no ledger answers at http://127.0.0.1:9") },
    });
    expect(ended.stderr).not.toContain("    at ");
  });
});

describe("a start that cannot succeed has one message and its own exit code", () => {
  const oneLine = (text: string) => text.trim().split("\n").length;

  test("4: the folder is in use", async () => {
    const { code, stderr, stdout } = await ledger("start", "--data", server.dir, "--port", "0");
    expect({ code, stdout, lines: oneLine(stderr) }).toEqual({ code: 4, stdout: "", lines: 1 });
    expect(stderr).toContain("in use by another process");
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  });

  test("5: the port is taken", async () => {
    const { code, stderr } = await ledger("start", "--data", join(scratch, "port"), "--port", new URL(server.url).port);
    expect({ code, lines: oneLine(stderr) }).toEqual({ code: 5, lines: 1 });
    expect(stderr).toContain("is taken");
  });

  test.each([
    [6, "payledger.json", "{", "cannot be read"],
    [6, "notes.txt", "mine", "is not a ledger's folder"],
    [6, "events.sqlite", "no database ".repeat(1000), "damaged"],
    [7, "payledger.json", '{"format":2,"created":"2030-01-01T00:00:00.000Z"}', "newer version"],
  ])("%i, by the content of %s", async (expected, file, content, message) => {
    const dir = mkdtempSync(join(scratch, "broken-"));
    if (file === "events.sqlite") writeFileSync(join(dir, "payledger.json"), '{"format":1}');
    writeFileSync(join(dir, file), content);
    const { code, stderr } = await ledger("start", "--data", dir, "--port", "0");
    expect({ code, lines: oneLine(stderr) }).toEqual({ code: expected, lines: 1 });
    expect(stderr).toContain(message);
  });

  test("8: a file is where the folder should be", async () => {
    const path = join(scratch, "file");
    writeFileSync(path, "");
    const { code, stderr } = await ledger("start", "--data", path, "--port", "0");
    expect({ code, lines: oneLine(stderr) }).toEqual({ code: 8, lines: 1 });
  });
});

test("a ledger started by npm ends with npm, though the shell between them forwards no signal", async () => {
  const dir = join(scratch, "npm");
  // Two commands, so that the shell remains as a parent; npm sets the variable for the scripts it runs.
  const ledger = `"${process.execPath}" "${join(import.meta.dirname, "../bin/ledger.js")}"`;
  const command = `${ledger} start --data "${dir}" --port 0 --json; true`;
  const shell = spawn("sh", ["-c", command], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { npm_lifecycle_event: "start" },
  });
  await once(shell.stdout, "data");
  expect(existsSync(join(dir, "server.json"))).toBe(true);
  const closed = once(shell.stdout.resume(), "close");
  shell.kill("SIGKILL");
  await closed;
  expect(existsSync(join(dir, "server.json"))).toBe(false);
});
