import { randomUUID } from "node:crypto";
import { writeSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { randomHistory, seeded } from "ledger-core/testing/history";
import { DeltaTable } from "../../delta/table.ts";
import { openLake } from "../../open.ts";
import type { FileContent, Lake } from "../../ports/lake.ts";
import { exportTables } from "../../tables/tables.ts";
import { names } from "../folder.ts";
import { storedForm } from "./expected-counts.ts";
import { type KillPlan, placeOf } from "./kill-plan.ts";

/**
 * Exports a history into every table, in small commits with merging and checkpoints between them, from where the tables
 * are to the history's end, or until its death by SIGKILL at a planned step.
 */
async function main({ target, seed, events, draw, death }: KillPlan): Promise<void> {
  const lake = mortal(await openLake(placeOf(target)), death);
  // A process that is killed writes no cache at its end.
  flushCompileCache();
  const history = randomHistory(seed, events);
  const random = seeded(draw);
  const last = history.length - 1;
  // Larger row groups are copied when files are merged, smaller ones written again.
  const compaction = { targetBytes: 32 * 1024, filesMin: 2, copyRowsMin: 1 + random(8) };
  const maintenance = { compaction, keepRemovedMs: 0 };
  const options = { lake, uniqueName: randomUUID, nowMs: Date.now, checkpointEvery: 3, maintenance };
  await Promise.all(
    exportTables.map(async (shape) => {
      const table = new DeltaTable({ ...options, shape });
      for (let at = await table.checkpoint(0); at < last; ) {
        const upTo = Math.min(at + 1 + random(9), last);
        const rows = history.slice(at + 1, upTo + 1).flatMap((event) => [...shape.rows(event, storedForm, names)]);
        await table.apply(0, at, upTo, rows);
        at = upTo;
      }
    }),
  );
}

/** A lake at whose nth change this process dies: before it, while it is made, or after it. It first tells which. */
function mortal(lake: Lake, death: KillPlan["death"]): Lake {
  let steps = 0;
  function change<Result>(step: string, work: () => Promise<Result>): Promise<Result> {
    if (death === null || steps++ !== death.step) return work();
    writeSync(1, `${death.phase} ${step}`);
    if (death.phase === "before") return die();
    if (death.phase === "during") setTimeout(die, death.afterMs);
    const done = work();
    return death.phase === "after" ? done.then(die) : done;
  }
  return {
    ...lake,
    create: (path, content) => change(`creating ${kindOf(path, content)}`, () => lake.create(path, content)),
    remove: (path) => change(`removing ${kindOf(path)}`, () => lake.remove(path)),
  };
}

function kindOf(path: string, content?: FileContent): string {
  if (path.endsWith("_last_checkpoint")) return "the pointer to a checkpoint";
  if (path.includes(".checkpoint.")) return "a checkpoint";
  const isWhole = content === undefined || content instanceof Uint8Array;
  if (!path.includes("/_delta_log/")) return isWhole ? "a data file" : "a data file in pieces";
  return content && isWhole && Buffer.from(content).includes('"OPTIMIZE"') ? "a commit that merges files" : "a commit";
}

function die(): Promise<never> {
  process.kill(process.pid, "SIGKILL");
  return new Promise(() => undefined);
}

await main(JSON.parse(process.argv[2] ?? ""));
