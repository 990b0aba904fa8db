import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { randomHistory, seeded } from "ledger-core/testing/history";
import { openLake } from "../../open.ts";
import { exportTables } from "../../tables/tables.ts";
import { queryDelta } from "../delta-rs.ts";
import { makeLakeFolder, names } from "../folder.ts";
import { expectedCounts, storedForm } from "./expected-counts.ts";
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
  /**
   * Copies each lake into a new folder below this one, beside the counts of what it must hold, for other readers.
   * Loops of different seeds may share it.
   */
  readonly keep?: string;
  readonly tell: (text: string) => void;
};

export type KillResult = {
  readonly kills: number;
  readonly lakes: number;
  readonly faults: readonly string[];
  /** How many children died before, during and after each kind of step. */
  readonly deaths: Readonly<Record<string, number>>;
};

/** Compiled code of the children: compiling it anew would take most of their time. */
const compiled = resolve(import.meta.dirname, "../../../../.cache/kill-loop");

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
  const deaths: Record<string, number> = {};
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
      if (!finished) {
        kills += 1;
        deaths[end.step] = (deaths[end.step] ?? 0) + 1;
      }
      if (finished && end.code !== 0) faults.push(`a child ended with ${end.code}: ${end.words}`);
    }
    if (faults.length === 0 && !finished) {
      const end = await runChild({ ...plan(), death: null });
      if (end.code !== 0) faults.push(`the last child ended with ${end.code}: ${end.words}`);
    }
    if (faults.length === 0) faults.push(...(await countedFaults(options, target, history, lakes)));
    lakes += 1;
    tell(`${kills} kills, ${lakes} lakes, ${faults.length} faults`);
  }
  return { kills, lakes, faults, deaths };
}

async function runChild(plan: KillPlan) {
  const script = join(import.meta.dirname, "kill-child.ts");
  const env = { ...process.env, NODE_COMPILE_CACHE: compiled };
  const child = spawn(process.execPath, [script, JSON.stringify(plan)], { stdio: ["ignore", "pipe", "pipe"], env });
  let [step, words] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (step += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (words += text));
  await once(child, "close");
  return { code: child.exitCode, signal: child.signalCode, step, words };
}

/** How many rows of each revision delta-rs finds, compared with the history. */
async function countedFaults(loop: KillLoop, target: KillTarget, seed: number, number: number): Promise<string[]> {
  const { events, python, keep } = loop;
  const history = randomHistory(seed, events);
  const folder = makeLakeFolder();
  try {
    const kept = keep === undefined ? undefined : await makeKeptFolder(keep, `${loop.seed}-${number}`);
    const copy = kept === undefined ? folder.dir : join(kept, "lake");
    if (kept !== undefined || target.kind === "azure") await download(target, copy);
    if (kept !== undefined) {
      const counts = JSON.stringify(expectedCounts(history), undefined, 1);
      await writeFile(join(kept, "expected.json"), counts);
    }
    const root = kept === undefined && target.kind === "folder" ? target.folder : copy;
    const queries = exportTables.map(
      ({ name }) => `select revision, count(*) from ${name} group by revision order by revision`,
    );
    const answers = await queryDelta(python, root, queries);
    return exportTables.flatMap(({ name, rows }, index) => {
      const counts = history.map((event, revision) => [
        String(revision),
        String(rows(event, storedForm, names).length),
      ]);
      const expected = JSON.stringify(counts.filter(([, count]) => count !== "0"));
      return JSON.stringify(answers[index]) === expected
        ? []
        : [`${name} of seed ${seed} in ${root}: not each event once`];
    });
  } finally {
    await folder.remove();
  }
}

/** Fails if the folder is there: files of two lakes would mix. */
async function makeKeptFolder(keep: string, name: string): Promise<string> {
  await mkdir(keep, { recursive: true });
  const kept = join(keep, name);
  await mkdir(kept);
  return kept;
}

/** Copies the tables of a lake as its own listing names their files. */
async function download(target: KillTarget, into: string): Promise<void> {
  const lake = await openLake(placeOf(target));
  for (const { name } of exportTables)
    for await (const { path } of lake.files(name)) {
      const file = join(into, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, (await lake.read(path)) ?? "");
    }
}
