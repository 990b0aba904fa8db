import { parseArgs } from "node:util";
import { findMariadb } from "ledger-core/testing";
import { startMariadbPair } from "ledger-core/testing/engines/mariadb-pair";
import type { StaleReads } from "./stale-answers.ts";
import { checkStaleReads } from "./stale-reads.ts";

/*
 * The long form of stale-reads.int.test.ts: `npm run stale-reads -- --minutes 60 --reads 1000000 --seed 7`. It ends
 * after so many answers, after this time, or when it is interrupted; refused queries do not count.
 */
const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "60" },
    pause: { type: "string", default: "5000" },
    reads: { type: "string", default: "1000000" },
    seed: { type: "string", default: `${Date.now() % 1_000_000}` },
  },
});
const TELL_EVERY_MS = 60_000;
const source = await findMariadb();
if (source.kind !== "local") throw new Error("it needs the programs of MariaDB on this machine: npm run engines");
const pair = await startMariadbPair(source.local, 2);
const ending = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => ending.abort());
try {
  const [seed, forMs] = [Number(values.seed), Number(values.minutes) * 60_000];
  const faults = new Map<string, number>();
  let toldMs = performance.now();
  const tell = (fault: string, { answered, refused }: StaleReads) => {
    faults.set(fault, (faults.get(fault) ?? 0) + 1);
    if (performance.now() < toldMs + TELL_EVERY_MS) return;
    toldMs = performance.now();
    process.stderr.write(`${new Date().toISOString()} ${answered} answered, ${refused} refused\n`);
  };
  const { answered, refused, older, torn } = await checkStaleReads({
    ...{ pair, seed, forMs, tell, reads: Number(values.reads), pauseMaxMs: Number(values.pause) },
    signal: ending.signal,
  });
  const played = [...faults].map(([name, times]) => `${name} ${times} times`).join(", ");
  console.log(`seed ${seed}: ${played}`);
  console.log(`${answered} answers checked, and ${refused} queries refused with 503`);
  console.log(`${older.length} older than asked for, ${torn.length} torn`);
  for (const text of [...older, ...torn]) console.log(text);
  process.exitCode = older.length + torn.length === 0 ? 0 : 1;
} finally {
  await pair.stop();
}
