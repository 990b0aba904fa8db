import { setTimeout as delay } from "node:timers/promises";
import { Argument, Command } from "commander";
import { isLedgerError } from "ledger-core";
import { createLogger } from "ledger-core/process";
import { projectionNames, type RebuildState, SESSION } from "projection-workers";
import { rebuildOffline } from "standalone";
import { readServerFile } from "standalone/server-file";
import { httpUrl, wholeNumber } from "../arguments.ts";
import { createClient, type LedgerClient } from "../import/client.ts";
import { asObject, requireNumber, requireText } from "../import/json.ts";
import { createOutput, exitCodes } from "../output.ts";
import { createProgress, type Progress } from "../progress.ts";
import { DEFAULT_DATA, resolveAccess } from "../settings.ts";

type RebuildFlags = { url?: string; data?: string; pause: number; json?: true };

const POLL_MS = 200;

const examples = `
A rebuild reads the log from its beginning into new tables beside the live ones, catches up, compares the two, and only
then switches;
readers notice nothing. Where READ_MODEL, GRAPH or SESSIONS name a server, it runs there with the settings of the
services, while all of them go on. Otherwise through the running server when there is one, or by itself on the folder.

Examples:
  ledger rebuild models
  ledger rebuild graph --data /srv/ledger
  READ_MODEL=mysql://primary.internal:3306/ledger EVENT_LOG=esdb://log.internal:2113 ledger rebuild models

Exit codes: 0 rebuilt, equal, and switched; 1 failed, the old one serves on; 2 unusable settings; 3 rebuilt and
switched, but the old one was different.`;

/** `ledger rebuild`: rebuilds a projection from the log. */
export function rebuildCommand(finish: (code: number) => void): Command {
  return new Command("rebuild")
    .description("rebuild a projection from the log, compare, and switch to it")
    .addArgument(new Argument("<name>", "which projection").choices([...projectionNames, SESSION]))
    .option("--url <url>", "where the ledger listens (default: the server on the data folder)", httpUrl)
    .option("--data <dir>", "the data folder (default: LEDGER_TOKEN, else ./data)")
    .option("--pause <ms>", "after each transaction, where replicas fall behind", wholeNumber(0, 1000), 0)
    .option("--json", "print one JSON document")
    .addHelpText("after", examples)
    .action(async (name: string, flags: RebuildFlags) => {
      const progress = createProgress({ to: process.stderr });
      const output = createOutput(flags.json ?? false);
      const state = await rebuild(name, flags, progress).catch((error: unknown) => {
        if (!isLedgerError(error)) throw error;
        output.result({ error: error.code, detail: error.message }, [`${name}: ${error.message}`]);
        finish(error.code === "config" ? exitCodes.usage : exitCodes.failure);
      });
      if (!state) return;
      output.result(state, [`${name}: ${state.status}: ${state.detail}`]);
      if (state.status !== "done") finish(exitCodes.failure);
      else finish(state.differing === 0 ? exitCodes.ok : exitCodes.checkNotMet);
    });
}

async function rebuild(name: string, flags: RebuildFlags, progress: Progress): Promise<RebuildState> {
  if (name === SESSION || (flags.url === undefined && flags.data === undefined)) {
    const { rebuiltTarget, rebuildByServices } = await import("./rebuild-server.ts");
    const target = rebuiltTarget(name);
    if (target) {
      const state = await rebuildByServices(target, { pauseMs: flags.pause, onState: follower(progress) });
      progress.end();
      return state;
    }
  }
  const dataDir = flags.data ?? DEFAULT_DATA;
  // Only a server that was named or is recorded in the folder; any other serves another ledger.
  const url = flags.url ?? readServerFile(dataDir)?.url;
  if (url !== undefined && (flags.url !== undefined || (await answers(url)))) {
    const access = await resolveAccess({ ...flags, url, sub: "rebuild", role: "platform" });
    return rebuildOnline(createClient({ ...access, patienceMs: 30_000, onWait: progress.note }), name, progress);
  }
  progress.note(`no server runs on ${dataDir}: rebuilding on the folder itself`);
  const follow = follower(progress);
  const logger = createLogger({ level: "error", name: "rebuild" });
  const state = await rebuildOffline({ dataDir, projection: name, logger, onState: follow });
  progress.end();
  return state;
}

async function answers(url: string): Promise<boolean> {
  return fetch(new URL("/livez", url)).then(
    (response) => response.ok,
    () => false,
  );
}

async function rebuildOnline(client: LedgerClient, name: string, progress: Progress): Promise<RebuildState> {
  const follow = follower(progress);
  let state = readState(
    (await client.post("/admin/rebuilds", `rebuild:${name}:${Date.now()}`, { projection: name })).body,
  );
  while (state.status === "running") {
    follow(state);
    await delay(POLL_MS);
    state = readState((await client.get(`/admin/rebuilds/${name}`)).body);
  }
  follow(state);
  progress.end();
  return state;
}

/** Shows a rebuild's progress from its successive states; the total is known once it has started. */
function follower(progress: Progress): (state: RebuildState) => void {
  let shown: number | undefined;
  let step = "";
  return ({ projection, status, done, total, detail }) => {
    if (total === 0) return;
    if (status === "running" && detail !== "filling" && detail !== step) {
      step = detail;
      progress.note(`${projection}: ${step}`);
    }
    if (shown === undefined) progress.begin(`rebuilding ${projection}`, total);
    progress.advance(done - (shown ?? 0));
    shown = done;
  };
}

function readState(body: unknown): RebuildState {
  const { status } = asObject(body);
  return {
    projection: requireText(body, "projection"),
    status: status === "running" || status === "done" ? status : "failed",
    done: requireNumber(body, "done"),
    total: requireNumber(body, "total"),
    rows: requireNumber(body, "rows"),
    differing: requireNumber(body, "differing"),
    seconds: requireNumber(body, "seconds"),
    detail: requireText(body, "detail"),
  };
}
