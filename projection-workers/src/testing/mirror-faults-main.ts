import { parseArgs } from "node:util";
import { kafkaClientNames } from "ledger-core/kafka";
import { findKafka, seeded, startKafka } from "ledger-core/testing";
import { mirrorFaults, playMirrorFaults } from "./mirror-faults.ts";

/** The long form of the mirror's fault test: `mirror-faults-main.ts --rounds 200 --seed 7 --client platformatic`. */
const text = { type: "string" } as const;
const { values } = parseArgs({ options: { rounds: text, seed: text, client: text } });
const client = kafkaClientNames.find((name) => name === (values.client ?? "kafkajs"));
if (!client) throw new RangeError(`--client must be one of ${kafkaClientNames.join(", ")}`);
const rounds = Number(values.rounds ?? 20);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
console.log(`seed ${seed}, ${rounds} faults, ${client}`);
const next = seeded(seed);
const faults = Array.from({ length: rounds }, () => mirrorFaults[next(mirrorFaults.length)] ?? "cut");
const broker = await startKafka(await findKafka());
try {
  const comparisons = await playMirrorFaults({ broker, shards: 2, client, seed, faults, tell: console.log });
  for (const comparison of comparisons) console.log(JSON.stringify(comparison));
  if (comparisons.some(({ fault }) => fault !== null)) process.exitCode = 1;
} finally {
  await broker.stop();
}
