import { Command } from "commander";
import { wholeNumber } from "../arguments.ts";
import { createOutput, exitCodes } from "../output.ts";

type SimulateFlags = { seed?: number; seeds: number; steps: number; bug?: string; bugs?: true; json?: true };

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

/** `ledger simulate`: simulates the whole ledger under faults, from a seed. */
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
      // Imported only here, so that no other command can load the planted bugs.
      const { bugNamed, bugNames, hunt, run } = await import("./simulate-runs.ts");
      const output = createOutput(flags.json ?? false);
      const seed = flags.seed ?? Math.floor(Math.random() * 1_000_000_000);
      if (flags.bugs) {
        finish(await hunt(seed, output));
        return;
      }
      const bug = flags.bug === undefined ? undefined : bugNamed(flags.bug);
      if (flags.bug !== undefined && !bug) {
        command.error(`error: there is no bug ${flags.bug}; there are ${bugNames().join(", ")}`, {
          exitCode: exitCodes.usage,
        });
      }
      for (let next = seed; next < seed + flags.seeds; next++) {
        const code = await run(next, flags.steps, bug, output);
        if (code !== exitCodes.ok || next === seed + flags.seeds - 1) return finish(code);
      }
    });
}
