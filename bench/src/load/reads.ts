import { text } from "node:stream/consumers";
import { openConnections } from "./connection.ts";
import { keepLatencies, type LatencySummary } from "./histogram.ts";
import { getText } from "./plan.ts";

/** A list to compare with others; asks its paths in turn, again and again. */
export type ReadSeries = {
  readonly name: string;
  readonly port: number;
  readonly token: string;
  readonly paths: readonly string[];
};
/**
 * `turns` turns count, after `warmup` turns that do not; each series asks once per turn. Every answer must hold `rows`
 * entries.
 */
export type ReadPlan = {
  readonly series: readonly ReadSeries[];
  readonly warmup: number;
  readonly turns: number;
  readonly rows: number;
};
export type ReadResult = Readonly<Record<string, LatencySummary>>;

/**
 * One request after another, on one connection per series; the first series changes with every turn, so that drift hits
 * all alike.
 */
const plan: ReadPlan = JSON.parse(await text(process.stdin));
const entry = Buffer.from('"id":"ent_');
const readers = await Promise.all(
  plan.series.map(async (series) => {
    const [connection] = await openConnections(series.port, 1);
    if (!connection) throw new Error("no connection");
    const requests = series.paths.map((path) => getText(path, series.token));
    return { name: series.name, connection, requests, latencies: keepLatencies(plan.turns) };
  }),
);

for (let turn = -plan.warmup; turn < plan.turns; turn++) {
  for (let i = 0; i < readers.length; i++) {
    const reader = readers[(i + turn + plan.warmup) % readers.length];
    if (reader) await ask(reader, turn);
  }
}
const result = Object.fromEntries(readers.map(({ name, latencies }) => [name, latencies.summary()]));
process.stdout.write(`${JSON.stringify({ result })}\n`);
for (const { connection } of readers) connection.close();

function ask({ name, connection, requests, latencies }: (typeof readers)[number], turn: number): Promise<void> {
  const request = requests[(turn + plan.warmup) % requests.length] ?? "";
  return new Promise((resolve) => {
    const sentMs = performance.now();
    connection.send(request, ({ status, body }) => {
      const tookMs = performance.now() - sentMs;
      if (status !== 200) throw new Error(`${name}: ${status} ${body.subarray(0, 300)}`);
      const rows = countOf(entry, body);
      if (rows !== plan.rows) throw new Error(`${name}: ${rows} entries where ${plan.rows} were to come`);
      if (turn >= 0) latencies.add(tookMs);
      resolve();
    });
  });
}

function countOf(part: Buffer, body: Buffer): number {
  let count = 0;
  for (let at = body.indexOf(part); at >= 0; at = body.indexOf(part, at + part.length)) count++;
  return count;
}
