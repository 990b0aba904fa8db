import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { findGremlin, seeded, startGremlin } from "ledger-core/testing";
import { graphFaults, playGraphFaults } from "./graph-faults.ts";

/**
 * The long form of the payment graph's fault test: `graph-faults-main.ts --rounds 100 --events 10000 --seed 7`. With
 * `--rounds 0 --workers 1`, only compares the graph of many events with the file's.
 */
/** For a graph of 100,000 payments. */
const HEAP_MIB = 2048;

const { values } = parseArgs({
  options: {
    ...{ rounds: { type: "string" }, events: { type: "string" }, seed: { type: "string" } },
    workers: { type: "string" },
  },
});
const rounds = Number(values.rounds ?? 20);
const events = Number(values.events ?? 100 * rounds);
const workers = Number(values.workers ?? 2);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
console.log(`seed ${seed}, ${events} events, ${rounds} faults`);
const next = seeded(seed);
const faults = Array.from({ length: rounds }, () => graphFaults[next(graphFaults.length)] ?? "cut after");
const server = await startGremlin(await findGremlin(), { heapMiB: HEAP_MIB });
const folder = await mkdtemp(join(tmpdir(), "graph-faults-"));
try {
  const found = await playGraphFaults({ server, seed, events, faults, folder, workers, tell: console.log });
  console.log(found.length === 0 ? "the graph equals the history and answers as the file does" : found.join("\n"));
  if (found.length > 0) process.exitCode = 1;
} finally {
  await server.stop();
  await rm(folder, { recursive: true });
}
