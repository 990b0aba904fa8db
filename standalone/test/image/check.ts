import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { chownSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { freePort } from "ledger-core/testing/engines/child";
import { createClient } from "../client.ts";
import { startLoad } from "../load.ts";
import { seeded } from "../random.ts";
import { fundedWallet } from "../steps.ts";
import { imageBytes } from "./build.ts";
import { type Container, createContainer, untilReady } from "./container.ts";
import { output, runProgram } from "./programs.ts";

const root = resolve(import.meta.dirname, "../../..");
const MB = 1e6;
const BYTES_MAX = 250 * MB;
/** The image's user. */
const USER = 65_532;
/** The ledger promises to stop within 10 s. */
const STOP_SECONDS = 20;

/**
 * Runs the image as the whole ledger in one process: its confinement, the README's session, SIGTERM under load, and the
 * same answers after a restart. @throws where the image is at fault
 */
export async function checkImage(image: string, tell: (text: string) => void): Promise<void> {
  const bytes = await imageBytes(image);
  ok(bytes < BYTES_MAX, `the image has ${(bytes / MB).toFixed(0)} MB`);
  tell(`size: ${(bytes / MB).toFixed(0)} MB`);
  const data = mkdtempSync(join(tmpdir(), "payledger-image-"));
  chownSync(data, USER, USER);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const container = await createContainer({
    name: `payledger-check-${process.pid}`,
    image,
    args: ["start", "--port", String(port)],
    mounts: { "/data": data },
    environment: { LEDGER_PORT: String(port) },
  });
  try {
    tell(`start: ready after ${await secondsToReady(container, url)} s`);
    await checkConfinement(container);
    tell("confinement: Node is process 1, user 65532, no capability, no shell, read-only root, writable /data");
    await runReadme(container, url);
    tell("session: the README's commands by curl end with a balance of 90.00 HKD");
    await checkStop(container, url, tell);
    await container.stop(STOP_SECONDS);
    strictEqual(await endWhileStarting(container), 143, "the exit code after SIGTERM at the start");
    tell("SIGTERM at the start: ended at once");
  } catch (error) {
    tell((await container.logs()).slice(-2000));
    throw error;
  } finally {
    await container.remove();
    rmSync(data, { recursive: true, force: true });
  }
}

async function secondsToReady(container: Container, url: string): Promise<string> {
  const since = performance.now();
  await container.start();
  await untilReady(container, `${url}/readyz`);
  return ((performance.now() - since) / 1000).toFixed(1);
}

/** Starts it and sends SIGTERM until it ends: the kernel drops those that come before Node can handle them. */
async function endWhileStarting(container: Container): Promise<number> {
  await container.start();
  while (true) {
    const code = await container.ended();
    if (code !== undefined) return code;
    await runProgram("podman", ["kill", "--signal", "TERM", container.name]);
  }
}

/** A process's view of itself inside the container. */
const sight = `
import { existsSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
const attempt = (path) => { try { writeFileSync(path, ""); return "written"; } catch (error) { return error.code; } };
const status = readFileSync("/proc/1/status", "utf8");
const field = (name) => new RegExp("^" + name + ":\\\\s+(\\\\S+)", "m").exec(status)?.[1];
console.log(JSON.stringify({
  program: readlinkSync("/proc/1/exe"), user: field("Uid"),
  capabilities: field("CapBnd"), privileges: field("NoNewPrivs"),
  app: attempt("/app/cli/src/x"), etc: attempt("/etc/x"), data: attempt("/data/.writable"),
  shell: existsSync("/bin/sh"), development: existsSync("/app/node_modules/vitest"),
  sbom: existsSync("/app/sbom.cdx.json"),
}));`;

async function checkConfinement(container: Container): Promise<void> {
  deepStrictEqual(JSON.parse(await container.evaluate(sight)), {
    ...{ program: "/usr/local/bin/node", user: String(USER), capabilities: "0000000000000000", privileges: "1" },
    ...{ app: "EROFS", etc: "EROFS", data: "written", shell: false, development: false, sbom: true },
  });
  await output("podman", ["exec", container.name, "node", "/app/docker/healthcheck.js"]);
}

/** The README's session as it is, except that tokens are made in the container. */
async function runReadme(container: Container, url: string): Promise<void> {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const session = readme.split("```sh\n").find((block) => block.startsWith("URL=http://127.0.0.1:8080\n"));
  ok(session, "the README has a session");
  const commands = session.slice(0, session.indexOf("```")).replace(/^URL=.*$/m, `URL=${url}`);
  const npx = `npx() { shift; podman exec ${container.name} node /app/cli/bin/ledger.js "$@"; }`;
  const printed = await output("bash", ["-euo", "pipefail", "-c", `${npx}\n${commands}`]);
  match(printed.trim().split("\n").at(-1) ?? "", /"posted":"9000"/);
}

/** Stops the container among payments, starts it again, and asks for the answer to each of them once more. */
async function checkStop(container: Container, url: string, tell: (text: string) => void): Promise<void> {
  const token = await output("podman", [
    ...["exec", container.name, "node", "/app/cli/bin/ledger.js", "token", "--role", "operator"],
  ]);
  const operator = createClient({ url, revision: -1 }, token.trim());
  const accounts = [await fundedWallet(operator, "100000"), await fundedWallet(operator, "100000")];
  const load = startLoad(operator, accounts, seeded(1));
  await load.answered(200);
  strictEqual(await container.stop(STOP_SECONDS), 0, "the exit code after SIGTERM");
  await load.end();
  const restarted = await secondsToReady(container, url);
  const answered = load.sent.filter(({ reply }) => reply !== undefined);
  for (const { key, body, reply } of answered) {
    const again = await operator.post("/v1/payments", body, { key });
    if (reply && reply.status < 500) deepStrictEqual([again.status, again.text], [reply.status, reply.text]);
  }
  const refused = answered.filter(({ reply }) => (reply?.status ?? 0) >= 500).length;
  const [sent, done] = [load.sent.length, answered.length - refused];
  tell(`SIGTERM: exit code 0 among ${sent} payments, ${done} answered, ${refused} refused`);
  tell(`restart: ready after ${restarted} s; every answer is the same again`);
}
