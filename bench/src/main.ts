import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BenchFault } from "./checks.ts";
import { type Checkout, endChildren } from "./children.ts";
import type { Figure } from "./figure.ts";
import { type PartName, partNames, readOptions, usage } from "./options.ts";
import { judged, keep, machine, table } from "./report.ts";
import type { Scale } from "./scale.ts";
import { soakWhole } from "./soak/whole.ts";
import { soakWriteSide } from "./soak/write-side.ts";
import { measureBulk } from "./targets/bulk.ts";
import { measureExport } from "./targets/export.ts";
import { measureGraph } from "./targets/graph.ts";
import { measureHistory } from "./targets/history.ts";
import { measureKeys } from "./targets/keys.ts";
import { measureProduction } from "./targets/production.ts";
import { measureReplica } from "./targets/replica.ts";
import { measureSessions } from "./targets/sessions.ts";
import { measureSingles } from "./targets/singles.ts";
import { measureWhole } from "./targets/whole.ts";

const began = new Date();
const options = readOptions(process.argv.slice(2));
if (options === undefined) {
  process.stdout.write(`${usage}\n`);
  process.exit(0);
}
const { scale, parts, soak, keys, against } = options;
const folder = mkdtempSync(join(tmpdir(), "payledger-bench-"));
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => void cleanUp().then(() => process.exit(130)));
try {
  process.stderr.write(`${JSON.stringify(machine())}\n`);
  if (soak) await (soak.whole ? soakWhole : soakWriteSide)(folder, scale, soak, began);
  else if (keys) await measureKeys(folder, keys);
  else await measure();
} catch (error) {
  if (!(error instanceof BenchFault)) throw error;
  process.stderr.write(`\nA CHECK DOES NOT HOLD, no figure of this run is worth anything:\n${error.message}\n`);
  process.exitCode = 1;
} finally {
  await cleanUp();
}

async function measure(): Promise<void> {
  const figures: Figure[] = [];
  const works: Record<PartName, (folder: string, scale: Scale, against: Checkout) => Promise<Figure[]>> = {
    singles: measureSingles,
    bulk: measureBulk,
    history: measureHistory,
    sessions: measureSessions,
    whole: measureWhole,
    production: measureProduction,
    replica: measureReplica,
    graph: measureGraph,
    export: measureExport,
  };
  for (const part of partNames) {
    if (!parts.has(part)) continue;
    process.stderr.write(`${new Date().toISOString()} ${part}\n`);
    const own = join(folder, part);
    mkdirSync(own);
    const found = await works[part](own, scale, against);
    figures.push(...found);
    // A later part may fail, an hour from now.
    process.stderr.write(`${table(found)}\n`);
    rmSync(own, { recursive: true });
  }
  process.stdout.write(`${table(figures)}\n`);
  // The figures of a single part cannot be compared with a full run.
  if (parts.size === partNames.length)
    process.stdout.write(`\nkept in ${keep(scale.kind, began, { figures: judged(figures) })}\n`);
}

async function cleanUp(): Promise<void> {
  await endChildren();
  rmSync(folder, { recursive: true, force: true });
}
