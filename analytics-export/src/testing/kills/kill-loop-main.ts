import { parseArgs } from "node:util";
import { findAzurite, startAzurite } from "ledger-core/testing/engines/azurite";
import { newContainer } from "../azure.ts";
import { findDeltaRs } from "../delta-rs.ts";
import { makeLakeFolder } from "../folder.ts";
import { runKillLoop } from "./kill-loop.ts";
import type { KillTarget } from "./kill-plan.ts";

const usage = `node analytics-export/src/testing/kills/kill-loop-main.ts [--target folder|azure] [--rounds N] [--seed N]
  [--keep <folder>]`;

/**
 * Prints a line per lake; exit code 1 if an event is not in each table once. With --keep, `npm run spark -- kills` can
 * count what is in the lakes as well.
 */
const { values } = parseArgs({
  options: {
    target: { type: "string", default: "folder" },
    rounds: { type: "string", default: "1000" },
    seed: { type: "string", default: "7" },
    keep: { type: "string" },
  },
});
const found = findDeltaRs();
if ("absent" in found || !["folder", "azure"].includes(values.target)) {
  console.error("absent" in found ? found.absent : usage);
  process.exit(2);
}
const azurite = values.target === "azure" ? await startAzurite(await findAzurite()) : undefined;
const folders: ReturnType<typeof makeLakeFolder>[] = [];
async function newLake(): Promise<KillTarget> {
  if (azurite) {
    const { container, account } = await newContainer(azurite);
    return { kind: "azure", container, account, key: azurite.key };
  }
  const folder = makeLakeFolder();
  folders.push(folder);
  return { kind: "folder", folder: folder.dir };
}
const numbers = { rounds: Number(values.rounds), seed: Number(values.seed), events: 200 };
const kept = values.keep === undefined ? {} : { keep: values.keep };
const result = await runKillLoop({ ...numbers, ...kept, python: found.python, newLake, tell: console.log });
console.log(JSON.stringify({ ...numbers, target: values.target, ...result }));
await azurite?.stop();
if (result.faults.length === 0) for (const folder of folders) await folder.remove();
else process.exitCode = 1;
