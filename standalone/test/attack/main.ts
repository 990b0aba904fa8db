import { parseArgs } from "node:util";
import { type AttackReport, attack, tellFinding } from "./attack.ts";

const usage = `npm run attack -- [--target state|models] [--mode running|stopped] [--rounds N] [--seed N] [--keep DIR]

Attacks the files of a real ledger by chance: flipped bytes, swapped, doubled and zeroed pages, garbage, files cut
short, deleted, or replaced by old copies, on a running ledger or between a stop and the next start. A client with books
of its own goes on meanwhile and holds every answer against them; at the end of each hundred rounds the log is read back
and added up. Ends with 1 when anything was found; --keep has a copy of each folder in which something was found.`;

const { values } = parseArgs({
  options: {
    target: { type: "string", default: "state" },
    mode: { type: "string", default: "running" },
    rounds: { type: "string", default: "100" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
    keep: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  process.stdout.write(`${usage}\n`);
  process.exit(0);
}
const target = oneOf("target", values.target, ["state", "models"] as const);
const mode = oneOf("mode", values.mode, ["running", "stopped"] as const);
const [rounds, seed] = [number("rounds", values.rounds), number("seed", values.seed)];
const began = performance.now();
process.stdout.write(`attack on the ${mode} ledger's ${target}, ${rounds} rounds, seed ${seed}\n`);
const onProgress = (text: string) => void process.stderr.write(`${text}\n`);
const report = await attack({ target, mode, rounds, seed, onProgress, ...(values.keep && { keep: values.keep }) });
process.stdout.write(`${tell(report).join("\n")}\n`);
process.exitCode = report.findings.length === 0 ? 0 : 1;

function tell({
  findings,
  damages,
  misread,
  noticed,
  eventsChecked,
  outages,
  messages,
}: AttackReport): readonly string[] {
  const count = (kind: string) => findings.filter((finding) => finding.kind === kind).length;
  const seconds = Math.round((performance.now() - began) / 1000);
  return [
    ...findings.map(tellFinding),
    `${rounds} rounds with ${damages} damages in ${seconds} s; ${eventsChecked} events read back and added up`,
    `${misread} rounds with wrong readings until rebuilt, ${noticed} of them noticed without ledger verify`,
    `wrong ${count("wrong")}, died ${count("died")}, no start ${count("no start")}, stuck ${count("stuck")}`,
    `refused for a moment ${outages.refusals} times; /readyz said:`,
    ...sorted(outages.reasons),
    "the ledger logged:",
    ...sorted(messages),
  ];
}

function sorted(counts: ReadonlyMap<string, number>): readonly string[] {
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .slice(0, 25)
    .map(([text, count]) => `  ${count} times: ${text}`);
}

function oneOf<T extends string>(name: string, text: string, words: readonly T[]): T {
  const word = words.find((one) => one === text);
  if (word === undefined) throw new Error(`--${name} is one of ${words.join(", ")}, not ${text}`);
  return word;
}

function number(name: string, text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new Error(`--${name} takes a whole number, not ${text}`);
  return Number(text);
}
