import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createClient } from "../client.ts";
import { startEngines } from "../engines/start.ts";
import { createLedger, makeToken } from "../harness.ts";
import { fillHistory, onServers, playRebuilds } from "./rebuilds.ts";

const usage = `usage: npm run rebuilds -- [--events 20000] [--lanes 4] [--seconds 10] [--seed N] [--embedded]

Fills a ledger, keeps clients paying and reading back at their positions, and rebuilds each projection meanwhile: on the
engines of npm run start:engines, or in files with --embedded. Prints latencies before and while, and each rebuild's
figures; ends with 1 when an answer was wrong or missing, or a rebuild differed.`;

const { values } = parseArgs({
  options: {
    events: { type: "string", default: "20000" },
    lanes: { type: "string", default: "4" },
    seconds: { type: "string", default: "10" },
    seed: { type: "string", default: `${Math.floor(Math.random() * 2 ** 31)}` },
    embedded: { type: "boolean", default: false },
    help: { type: "boolean" },
  },
});
if (values.help) {
  console.error(usage);
  process.exit(2);
}
console.log(`seed ${values.seed}, ${values.events} events`);
const wrong = values.embedded ? await embedded() : await onEngines();
for (const text of wrong) console.error(`WRONG: ${text}`);
if (wrong.length > 0) process.exitCode = 1;
else console.log("no answer was wrong or missing");

async function play(
  url: string,
  data: string,
  environment: Readonly<Record<string, string>>,
  names: readonly string[],
) {
  const operator = createClient({ url, revision: -1 }, await makeToken(data, "operator", "fill", "default"));
  await fillHistory(operator, Number(values.events));
  return playRebuilds({
    ...{ url, data, environment, projections: names, tell: console.log },
    ...{ seed: Number(values.seed), lanes: Number(values.lanes), quietMs: 1000 * Number(values.seconds) },
  });
}

async function embedded(): Promise<readonly string[]> {
  const ledger = createLedger();
  try {
    await ledger.start();
    return await play(ledger.url, ledger.data, {}, ["models", "graph"]);
  } finally {
    await ledger.stop();
    await ledger.remove();
  }
}

async function onEngines(): Promise<readonly string[]> {
  const data = mkdtempSync(join(tmpdir(), "payledger-rebuilds-"));
  try {
    const started = await startEngines({ data, port: 0, tell: console.log });
    for (const engine of started.engines) console.log(`  ${engine}`);
    try {
      return await play(started.url, data, started.environment, onServers(started.environment));
    } finally {
      await started.stop();
    }
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}
