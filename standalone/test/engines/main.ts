import { once } from "node:events";
import { parseArgs } from "node:util";
import { startEngines } from "./start.ts";
import { showProcesses } from "./view.ts";

/*
 * `npm run start:engines`: the whole ledger as separate processes, on the engines that this machine has. Ctrl-C stops
 * all of them in order.
 */
const { values } = parseArgs({
  options: {
    data: { type: "string", default: "data/engines" },
    port: { type: "string", default: "8080" },
  },
});

try {
  const stopped = Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
  const started = await startEngines({ data: values.data, port: Number(values.port), tell: console.error });
  const top = [
    `payledger listens on ${started.url}, its data is in ${started.data}`,
    ...started.engines.map((name) => `  ${name}`),
    `Tokens: LEDGER_DATA=${started.data} npx ledger token --role operator`,
    "Ctrl-C stops everything.",
  ];
  const end = showProcesses(top, started.processes);
  await stopped;
  end();
  console.error("stopping: the front, the services, then the engines");
  await started.stop();
} catch (error) {
  console.error(`start:engines: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
