import { Command } from "commander";
import type { PlantedBug } from "simulation";
import { wholeNumber } from "../arguments.ts";
import { createOutput, exitCodes, type Output } from "../output.ts";

type SimulateFlags = { seed?: number; seeds: number; steps: number; bug?: string; bugs?: true; json?: true };

/** Loaded by this command alone: no other comes near the planted bugs. */
type Simulation = typeof import("simulation");

const examples = `
Clients, writers, the log, projections and queries in one thread, on a clock and with chance from the seed: messages are
lost, processes crash, disks fill, clocks jump, and an auditor with books of its own checks every promise after every
step. Nothing is written to disk. The same seed gives the same run, and the same digest.

Examples:
  ledger simulate                                 100,000 steps from a fresh seed, which is printed
  ledger simulate --seed 7 --steps 1000000
  ledger simulate --seeds 20 --steps 1000000      a night: a run per seed, until a promise is broken
  ledger simulate --bug refund-off-by-one         with a bug planted on purpose: how it is found, as a short story
  ledger simulate --bugs                          every planted bug, and the check that finds it, as a table

Exit codes: 0 every promise held, or every planted bug was found; 3 not so.`;

/** `ledger simulate`: the whole path under faults, from a seed. */
export function simulateCommand(finish: (code: number) => void): Command {
  return new Command("simulate")
    .description("run the whole ledger under faults from a seed, and check its promises after every step")
    .option("--seed <n>", "what determines the run (default: a fresh one)", wholeNumber(0, 999_999_999))
    .option(
      "--seeds <n>",
      "how many runs, each of the next seed; they end with the first broken promise",
      wholeNumber(1, 1_000_000),
      1,
    )
    .option("--steps <n>", "how long to run", wholeNumber(1, 999_999_999), 100_000)
    .option("--bug <name>", "plant this bug; it must be found within the steps")
    .option("--bugs", "plant every bug, one after another, each until it is found")
    .option("--json", "print one JSON document")
    .addHelpText("after", examples)
    .action(async (flags: SimulateFlags, command: Command) => {
      const simulation = await import("simulation");
      const output = createOutput(flags.json ?? false);
      const seed = flags.seed ?? Math.floor(Math.random() * 1_000_000_000);
      if (flags.bugs) {
        finish(await huntAll(simulation, seed, output));
        return;
      }
      const bug = flags.bug === undefined ? undefined : simulation.bugNamed(flags.bug);
      if (flags.bug !== undefined && !bug) {
        const names = simulation.plantedBugs.map(({ name }) => name).join(", ");
        command.error(`error: there is no bug ${flags.bug}; there are ${names}`, { exitCode: exitCodes.usage });
      }
      for (let next = seed; next < seed + flags.seeds; next++) {
        const code = await run(simulation, next, flags.steps, bug, output);
        if (code !== exitCodes.ok || next === seed + flags.seeds - 1) return finish(code);
      }
    });
}

async function run(
  { simulate, shrink, plantOf, nothingPlanted, runLines, storyLines }: Simulation,
  seed: number,
  steps: number,
  bug: PlantedBug | undefined,
  output: Output,
): Promise<number> {
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

async function huntAll({ hunt, plantedBugs, bugTable }: Simulation, seed: number, output: Output): Promise<number> {
  const findings = [];
  for (const bug of plantedBugs) findings.push(await hunt(bug, seed));
  const document = findings.map(({ bug, check, steps, world }) => ({ bug: bug.name, check, steps, world }));
  output.result({ seed, bugs: document }, bugTable(findings));
  return findings.every(({ check }) => check !== undefined) ? exitCodes.ok : exitCodes.checkNotMet;
}
