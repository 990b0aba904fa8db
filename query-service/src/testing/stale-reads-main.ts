import { parseArgs } from "node:util";
import { findMariadb } from "ledger-core/testing";
import { startMariadbPair } from "ledger-core/testing/engines/mariadb-pair";
import { checkStaleReads } from "./stale-reads.ts";

/** The long form of stale-reads.int.test.ts: `npm run stale-reads -- --minutes 10 --reads 1000000 --seed 7`. */
const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    reads: { type: "string", default: "1000000" },
    seed: { type: "string", default: `${Date.now() % 1_000_000}` },
  },
});
const source = await findMariadb();
if (source.kind !== "local") throw new Error("it needs the programs of MariaDB on this machine: npm run engines");
const pair = await startMariadbPair(source.local, 2);
try {
  const [seed, forMs] = [Number(values.seed), Number(values.minutes) * 60_000];
  const faults = new Map<string, number>();
  const tell = (text: string) => void faults.set(text, (faults.get(text) ?? 0) + 1);
  const { answered, refused, older, torn } = await checkStaleReads({
    pair,
    seed,
    reads: Number(values.reads),
    forMs,
    tell,
  });
  const played = [...faults].map(([name, times]) => `${name} ${times} times`).join(", ");
  console.log(`seed ${seed}: ${played}`);
  console.log(`${answered + refused} reads checked: ${answered} answered, ${refused} refused with 503`);
  console.log(`${older.length} older than asked for, ${torn.length} torn`);
  for (const text of [...older, ...torn]) console.log(text);
  process.exitCode = older.length + torn.length === 0 ? 0 : 1;
} finally {
  await pair.stop();
}
