import type { HuntResult } from "./hunt.ts";
import type { RunResult } from "./run.ts";
import type { Shrunk } from "./shrink.ts";

/** A run's result as text for people. */
export function runLines({ seed, worlds, steps, events, digest }: RunResult, seconds: number): string[] {
  const rate = Math.round(steps / seconds);
  return [
    `seed ${seed}: ${steps} steps in ${worlds} worlds, ${events} events in their logs, ${rate} steps/s`,
    `digest ${digest}`,
  ];
}

/** A broken promise with its shrunk story. */
export function storyLines(check: string, { seed, faults, settings, clients, steps, detail, story }: Shrunk): string[] {
  return [
    `broken: ${check}`,
    `  ${detail}`,
    `in world ${seed} after ${steps} steps, ${clients} clients, faults: ${faults.join(", ") || "none"}`,
    `settings: ${settings.join(", ") || "as in production"}`,
    "",
    ...story,
  ];
}

/** The table of planted bugs in docs/simulation.md. */
export function bugTable(findings: readonly HuntResult[]): string[] {
  return [
    "| bug | what is wrong | found by the check | after steps | in world |",
    "| --- | --- | --- | --- | --- |",
    ...findings.map(({ bug, check, steps, world }) =>
      check === undefined
        ? `| ${bug.name} | ${bug.what} | **not found** | ${steps} | |`
        : `| ${bug.name} | ${bug.what} | ${check} | ${steps} | ${world} |`,
    ),
  ];
}
