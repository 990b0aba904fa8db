import { parseArgs } from "node:util";
import { upgradeOnEngines } from "./on-engines.ts";
import { previousRelease } from "./previous-release.ts";

const usage = `usage: npm run upgrade -- [--seed N]

Starts the previous release on the engines of this machine, replaces its services by today's one after another under
load, and then puts them back. Prints a line per service, and ends with 1 when a promise was broken or a store does not
equal the log.`;

const { values } = parseArgs({ options: { seed: { type: "string" }, help: { type: "boolean" } } });
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
if (values.help || !Number.isInteger(seed)) {
  console.error(usage);
  process.exit(2);
}
const release = await previousRelease({ install: true });
if (release.kind === "absent") throw new Error(release.reason);
console.log(`seed ${seed}, from ${release.version} and back`);
const { engines, faults } = await upgradeOnEngines(release.root, { seed, tell: console.log });
for (const engine of engines) console.log(engine);
for (const fault of faults) console.error(`BROKEN: ${fault}`);
if (faults.length > 0) process.exitCode = 1;
