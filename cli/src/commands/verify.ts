import { setTimeout as delay } from "node:timers/promises";
import { Command, Option } from "commander";
import { createLogger } from "ledger-core/process";
import type { VerifyState } from "projection-workers";
import { verifyOffline } from "standalone";
import { readServerFile } from "standalone/server-file";
import { httpUrl, wholeNumber } from "../arguments.ts";
import { createClient, type LedgerClient } from "../import/client.ts";
import { asObject } from "../import/json.ts";
import { createOutput, exitCodes } from "../output.ts";
import { createProgress, type Progress } from "../progress.ts";
import { DEFAULT_DATA, resolveAccess } from "../settings.ts";

type VerifyFlags = { url?: string; data?: string; json?: true; heal?: true; stores?: true; wait: number };

const POLL_MS = 200;
const FINDINGS_SHOWN = 20;

const examples = `
Builds each projection a second time in a file of its own and compares it, row for row, with the one that is served,
both at one position. Through the running server when there is one, behind everything else it does; otherwise by itself
on the folder. Nothing is changed unless --heal is given: then what differs is rebuilt, and what cannot be read is
set aside and rebuilt.

With --stores: compares every store of services in production with the log, row for row: the mirror on the broker, the
read models and each replica, sessions, graph and exported tables. The environment names them as for the services;
ledger config check shows the settings. Reads only, stops nothing, and waits for stores that are behind the log's head.

Examples:
  ledger verify
  ledger verify --heal --data /srv/ledger
  EVENT_LOG=esdb://log.internal:2113 ledger verify --stores --json

Exit codes: 0 everything equals the log; 1 it could not be found out, or not be healed; 2 unusable settings; 3 something
differs or cannot be read, healed or not.`;

/** `ledger verify`: compares the read models with the log. */
export function verifyCommand(finish: (code: number) => void): Command {
  return new Command("verify")
    .description("compare the read models with the log, and name what differs")
    .option("--heal", "rebuild what differs")
    .option("--url <url>", "where the ledger listens (default: the server on the data folder)", httpUrl)
    .option("--data <dir>", "the data folder (default: LEDGER_TOKEN, else ./data)")
    .addOption(new Option("--stores", "compare every store that the settings name").conflicts(["heal", "url", "data"]))
    .option("--wait <seconds>", "with --stores: how long to wait for stores that are behind", wholeNumber(0, 600), 30)
    .option("--json", "print one JSON document")
    .addHelpText("after", examples)
    .action(async (flags: VerifyFlags) => {
      const progress = createProgress({ to: process.stderr });
      if (flags.stores) {
        const { verifyAllStores, storesExitCode, storesLines } = await import("./verify-stores.ts");
        const report = await verifyAllStores(flags.wait, progress);
        createOutput(flags.json ?? false).result(report, storesLines(report));
        return finish(storesExitCode(report));
      }
      const states = await verify(flags, progress);
      createOutput(flags.json ?? false).result({ projections: states }, states.flatMap(lines));
      finish(exitCode(states));
    });
}

function exitCode(states: readonly VerifyState[]): number {
  if (states.length === 0 || states.some(({ status }) => status !== "done")) return exitCodes.failure;
  return states.every(({ result }) => result?.verdict === "equal") ? exitCodes.ok : exitCodes.checkNotMet;
}

async function verify(flags: VerifyFlags, progress: Progress): Promise<readonly VerifyState[]> {
  const dataDir = flags.data ?? DEFAULT_DATA;
  const heal = flags.heal ?? false;
  const url = flags.url ?? readServerFile(dataDir)?.url;
  if (url !== undefined && (flags.url !== undefined || (await answers(url)))) {
    const access = await resolveAccess({ ...flags, url, sub: "verify", role: "platform" });
    return verifyOnline(createClient({ ...access, patienceMs: 30_000, onWait: progress.note }), heal);
  }
  progress.note(`no server runs on ${dataDir}: verifying the folder itself`);
  const logger = createLogger({ level: "error", name: "verify" });
  return verifyOffline({ dataDir, heal, logger, onState: () => undefined });
}

async function answers(url: string): Promise<boolean> {
  return fetch(new URL("/livez", url)).then(
    (response) => response.ok,
    () => false,
  );
}

async function verifyOnline(client: LedgerClient, heal: boolean): Promise<readonly VerifyState[]> {
  await client.post("/admin/verifications", `verify:${Date.now()}`, { heal });
  for (;;) {
    const { running, projections } = asObject((await client.get("/admin/verifications")).body);
    if (running !== true) return readStates(projections);
    await delay(POLL_MS);
  }
}

function readStates(value: unknown): readonly VerifyState[] {
  if (!Array.isArray(value) || !value.every(isState)) throw new Error("the answer is no verification");
  return value;
}

function isState(value: unknown): value is VerifyState {
  return typeof value === "object" && value !== null && "projection" in value && "status" in value && "result" in value;
}

function lines({ projection, status, detail, result }: VerifyState): string[] {
  const head = `${projection}: ${status}: ${detail}`;
  if (!result) return [head];
  const found = result.findings.slice(0, FINDINGS_SHOWN).map(({ table, key, kind, fields, account, event }) => {
    const named = fields.length > 0 ? ` in ${fields.join(", ")}` : "";
    const about = [account && `account ${account}`, event && `event ${event}`].filter(Boolean).join(", ");
    return `  ${table} ${key}: ${kind}${named}${about === "" ? "" : ` (${about})`}`;
  });
  const more = result.differing - found.length;
  return [head, ...result.faults.map((fault) => `  ${fault}`), ...found, ...(more > 0 ? [`  and ${more} more`] : [])];
}
