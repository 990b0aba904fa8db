import { randomBytes } from "node:crypto";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Command } from "commander";
import { LedgerError } from "ledger-core";
import { openSqliteLogReader } from "ledger-core/event-log";
import { readConfiguration, shardsPart } from "ledger-core/process";
import { dataPaths } from "ledger-core/process/data-paths";
import { ticketFile, writeBackup } from "standalone/backup";
import { openDataFolder } from "standalone/data-folder";
import { readServerFile } from "standalone/server-file";
import { createClient } from "../import/client.ts";
import { asObject, requireNumber, requireText } from "../import/json.ts";
import { createOutput, exitCodes } from "../output.ts";
import { createProgress, type Progress } from "../progress.ts";
import { DEFAULT_DATA, resolveAccess } from "../settings.ts";

type BackupFlags = { data?: string; json?: true };
type Written = { readonly folder: string; readonly events: number };

const POLL_MS = 100;

const examples = `
Copies the log, the keys and the revoked tokens of a data folder, and checks every event while it does. The ledger may
run, as one process or as services, and goes on. Decision state and read models are left out: they are rebuilt from the
log. The folder must be new or empty. It then holds secrets and everybody's data: keep it as you keep the data folder.

A backup that was interrupted has no backup.json, and is refused by ledger restore.

Examples:
  ledger backup /backups/2026-11-27
  ledger backup /backups/2026-11-27 --data /srv/ledger --json

Exit codes: 0 done; 1 failed, and nothing is left in the folder; 2 wrong usage, or the folder is not empty.`;

/** `ledger backup`: copies what cannot be rebuilt. */
export function backupCommand(finish: (code: number) => void): Command {
  return new Command("backup")
    .description("copy what cannot be rebuilt into a new folder, while the ledger runs")
    .argument("<folder>", "a new or empty folder")
    .option("--data <dir>", "the data folder (default: LEDGER_DATA, else ./data)")
    .option("--json", "print one JSON document")
    .addHelpText("after", examples)
    .action(async (folder: string, flags: BackupFlags) => {
      const progress = createProgress({ to: process.stderr });
      const written = await backUp(flags.data ?? DEFAULT_DATA, resolve(folder), progress);
      progress.end();
      createOutput(flags.json ?? false).result(written, [`${written.folder}: ${written.events} events, keys`]);
      finish(exitCodes.ok);
    });
}

async function backUp(dataDir: string, to: string, progress: Progress): Promise<Written> {
  const { dir } = await openDataFolder(dataDir, { make: false });
  const { events: file } = dataPaths(dir);
  if (!existsSync(file)) {
    const detail = `${dir} holds no event log: an EventStoreDB is backed up by its own means (docs/operate/backup.md)`;
    throw new LedgerError("config", detail);
  }
  const url = readServerFile(dir)?.url;
  if (url !== undefined && (await answers(url))) return askServer(dir, url, to, progress);
  const { shards } = readConfiguration({ shards: shardsPart });
  const log = openSqliteLogReader({ file });
  try {
    const follow = follower(progress);
    const manifest = await writeBackup({ dataDir: dir, log, shards, to, onProgress: follow });
    return { folder: to, events: manifest.shards.reduce((sum, { head }) => sum + head + 1, 0) };
  } finally {
    await log.close();
  }
}

async function answers(url: string): Promise<boolean> {
  return fetch(new URL("/livez", url)).then(
    (response) => response.ok,
    () => false,
  );
}

/** A running server holds its log for itself, and writes the backup where a ticket in its folder says. */
async function askServer(dataDir: string, url: string, to: string, progress: Progress): Promise<Written> {
  const access = await resolveAccess({ url, data: dataDir, sub: "backup", role: "platform" });
  const client = createClient({ ...access, patienceMs: 30_000, onWait: progress.note });
  const ticket = randomBytes(16).toString("hex");
  const path = ticketFile(dataDir, ticket);
  writeFileSync(path, to, { flag: "wx", mode: 0o600 });
  try {
    const follow = follower(progress);
    let state = readState((await client.post("/admin/backups", `backup:${ticket}`, { ticket })).body);
    while (state.status === "running") {
      follow(state);
      await delay(POLL_MS);
      state = readState((await client.get("/admin/backups")).body);
    }
    if (state.status !== "done") throw new LedgerError("store_unavailable", state.detail);
    return { folder: to, events: state.events };
  } finally {
    rmSync(path, { force: true });
  }
}

function readState(body: unknown) {
  return {
    status: asObject(body).status,
    events: requireNumber(body, "events"),
    total: requireNumber(body, "total"),
    detail: requireText(body, "detail"),
  };
}

/** Shows progress from counts so far; the total is known once it has started. */
function follower(progress: Progress): (state: { events: number; total: number }) => void {
  let shown: number | undefined;
  return ({ events, total }) => {
    if (total === 0) return;
    if (shown === undefined) progress.begin("copying events", total);
    progress.advance(events - (shown ?? 0));
    shown = events;
  };
}
