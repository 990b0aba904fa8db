import { parseArgs } from "node:util";
import { describeVerified, faultsOfReport, playChaos } from "./chaos.ts";

const usage = `usage: npm run chaos -- [--minutes 10] [--seed N] [--only PATTERN]

Starts every service and engine as processes of their own, keeps clients paying, authorizing, refunding, repeating
keys and reading back, and meanwhile kills, pauses, empties, restarts and cuts off one or two of them at a time. Prints
a line per fault, and ends with 1 when a promise was broken, a service did not recover, or a store does not equal the
log at the end.`;

const { values } = parseArgs({
  options: {
    minutes: { type: "string" },
    seed: { type: "string" },
    only: { type: "string" },
    help: { type: "boolean" },
  },
});
const minutes = Number(values.minutes ?? 10);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
if (values.help || !(minutes > 0) || !Number.isInteger(seed)) {
  console.error(usage);
  process.exit(2);
}
console.log(`seed ${seed}, ${minutes} minutes`);
const report = await playChaos({
  seed,
  ...(values.only && { only: new RegExp(values.only) }),
  goOn: (_, elapsedMs) => elapsedMs < minutes * 60_000,
  tell: console.log,
});
const faults = faultsOfReport(report);
for (const fault of faults) console.error(`BROKEN: ${fault}`);
if (faults.length > 0) process.exitCode = 1;
else console.log(`${report.faults.length} faults; ${describeVerified(report)}`);
