import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Figure } from "./figure.ts";
import { commitFloor } from "./floors.ts";
import { keep, machine, table } from "./report.ts";
import { type Scale, scales } from "./scale.ts";
import { measureBulk } from "./targets/bulk.ts";
import { measureSingles, type Peer } from "./targets/singles.ts";

const usage = `npm run bench [-- --quick] [--only singles,bulk,history]
Measures the targets of docs/performance.md on this machine, floors and peers in the same run.`;

const { values } = parseArgs({
  options: { quick: { type: "boolean" }, only: { type: "string" }, help: { type: "boolean" } },
});
if (values.help) {
  process.stdout.write(`${usage}\n`);
  process.exit(0);
}
const scale: Scale = values.quick ? scales.quick : scales.full;
const only = values.only?.split(",");
const wanted = (name: string) => only === undefined || only.includes(name);
const began = new Date();
const folder = mkdtempSync(join(tmpdir(), "payledger-bench-"));
const figures: Figure[] = [];
try {
  process.stderr.write(`${JSON.stringify(machine())}\n`);
  const commit = commitFloor(folder, 2000);
  figures.push({
    id: "floor",
    what: "one durable commit, p50",
    unit: "ms",
    value: commit.p50Ms,
    target: null,
    more: false,
    beside: [],
    note: "",
  });
  const peers: Peer[] = [
    { name: "Fastify and SQLite", script: "peers/sqlite.ts", options: { file: join(folder, "peer.sqlite") } },
  ];
  if (wanted("singles")) figures.push(...(await measureSingles(folder, scale, commit, peers)));
  if (wanted("bulk")) figures.push(...(await measureBulk(folder, scale)));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.stdout.write(`${table(figures)}\n`);
if (!only) process.stdout.write(`\nkept in ${keep(scale.kind, figures, began)}\n`);
