import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { randomHistory, seeded } from "ledger-core/testing/history";
import { openLake } from "../../open.ts";
import { exportTables } from "../../tables/tables.ts";
import { queryDelta } from "../delta-rs.ts";
import { makeLakeFolder, names } from "../folder.ts";
import { type KillPlan, type KillTarget, phases, placeOf } from "./kill-plan.ts";

export type KillLoop = {
  /** How many children are killed. */
  readonly rounds: number;
  readonly seed: number;
  /** Events of a history; each lake holds one. */
  readonly events: number;
  /** The Python with delta-rs that counts. */
  readonly python: string;
  /** A new, empty lake. */
  readonly newLake: () => Promise<KillTarget>;
  readonly tell: (text: string) => void;
};

export type KillResult = { readonly kills: number; readonly lakes: number; readonly faults: readonly string[] };

/** A child dies at one of its first changes of the lake, so that one history takes many deaths. */
const STEPS = 40;

/**
 * Kills exporters at every step of their commits, each continuing where the last one died, and has an independent
 * reader count what is in the tables: each event once.
 */
export async function runKillLoop(options: KillLoop): Promise<KillResult> {
  const { rounds, seed, events, tell } = options;
  const random = seeded(seed);
  const faults: string[] = [];
  let [kills, lakes] = [0, 0];
  while (kills < rounds && faults.length === 0) {
    const target = await options.newLake();
    const history = random(2 ** 31);
    const plan = () => ({ target, seed: history, events, draw: random(2 ** 31) });
    let finished = false;
    while (!finished && kills < rounds) {
      const phase = phases[random(phases.length)] ?? "before";
      const end = await runChild({ ...plan(), death: { step: random(STEPS), phase, afterMs: random(4) } });
      finished = end.signal !== "SIGKILL";
      if (!finished) kills += 1;
      if (finished && end.code !== 0) faults.push(`a child ended with ${end.code}: ${end.words}`);
    }
    if (faults.length === 0 && !finished) {
      const end = await runChild({ ...plan(), death: null });
      if (end.code !== 0) faults.push(`the last child ended with ${end.code}: ${end.words}`);
    }
    if (faults.length === 0) faults.push(...(await countedFaults(options, target, history)));
    lakes += 1;
    tell(`${kills} kills, ${lakes} lakes, ${faults.length} faults`);
  }
  return { kills, lakes, faults };
}

async function runChild(plan: KillPlan) {
  const script = join(import.meta.dirname, "kill-child.ts");
  const child = spawn(process.execPath, [script, JSON.stringify(plan)], { stdio: ["ignore", "ignore", "pipe"] });
  let words = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (words += text));
  await once(child, "close");
  return { code: child.exitCode, signal: child.signalCode, words };
}

/** How many rows of each revision delta-rs finds, compared with the history. */
async function countedFaults({ events, python }: KillLoop, target: KillTarget, seed: number): Promise<string[]> {
  const folder = makeLakeFolder();
  try {
    if (target.kind === "azure") await download(target, folder.dir);
    const root = target.kind === "azure" ? folder.dir : target.folder;
    const queries = exportTables.map(
      ({ name }) => `select revision, count(*) from ${name} group by revision order by revision`,
    );
    const answers = await queryDelta(python, root, queries);
    const stored = { version: 1, leaf: new Uint8Array(32) };
    const history = randomHistory(seed, events);
    return exportTables.flatMap(({ name, rows }, index) => {
      const counts = history.map((event, revision) => [String(revision), String(rows(event, stored, names).length)]);
      const expected = JSON.stringify(counts.filter(([, count]) => count !== "0"));
      return JSON.stringify(answers[index]) === expected
        ? []
        : [`${name} of seed ${seed} in ${root}: not each event once`];
    });
  } finally {
    await folder.remove();
  }
}

async function download(target: KillTarget, into: string): Promise<void> {
  const lake = await openLake(placeOf(target));
  for (const { name } of exportTables)
    for await (const { path } of lake.files(name)) {
      const file = join(into, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, (await lake.read(path)) ?? "");
    }
}
