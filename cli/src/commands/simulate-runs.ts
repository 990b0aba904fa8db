import {
  bugTable,
  hunt as huntBug,
  nothingPlanted,
  type PlantedBug,
  plantedBugs,
  plantOf,
  runLines,
  shrink,
  simulate,
  storyLines,
} from "simulation";
import { exitCodes, type Output } from "../output.ts";

export { bugNamed } from "simulation";

export function bugNames(): string[] {
  return plantedBugs.map(({ name }) => name);
}

/** Runs the simulation and prints the result; a planted bug must be found. */
export async function run(seed: number, steps: number, bug: PlantedBug | undefined, output: Output): Promise<number> {
  const plant = () => (bug ? plantOf(bug) : nothingPlanted);
  const start = performance.now();
  const result = await simulate({ seed, steps, plant });
  const seconds = (performance.now() - start) / 1000;
  const { failure, ...sums } = result;
  const lines = runLines(result, seconds);
  const story = failure && (await shrink(failure, plant));
  const check = failure?.result.violation.check;
  const document = { ...sums, bug: bug?.name ?? null, failure: story ? { check, ...story } : null };
  if (story && check !== undefined) lines.push("", ...storyLines(check, story));
  else lines.push(bug ? `${bug.name} was not found` : "every promise held");
  output.result(document, lines);
  return (failure === undefined) === (bug === undefined) ? exitCodes.ok : exitCodes.checkNotMet;
}

/** Plants every bug, one after another, and prints the check that found it. */
export async function hunt(seed: number, output: Output): Promise<number> {
  const findings = [];
  for (const bug of plantedBugs) findings.push(await huntBug(bug, seed));
  const document = findings.map(({ bug, check, steps, world }) => ({ bug: bug.name, check, steps, world }));
  output.result({ seed, bugs: document }, bugTable(findings));
  return findings.every(({ check }) => check !== undefined) ? exitCodes.ok : exitCodes.checkNotMet;
}
