import { existsSync } from "node:fs";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { seeded } from "ledger-core/testing/history";
import { type Checkout, endChildren, startChild } from "../children.ts";
import { caughtUp, startWhole, type Whole } from "../targets/following.ts";
import { openAsking } from "./asking.ts";
import { compare } from "./comparison.ts";
import { type FilledLedger, fill, type HistoryOptions } from "./history.ts";
import { findObjects } from "./questions.ts";

/*
 * `npm run equality -- --old ../before --events 11000000 --queries 200000` fills a ledger of another checkout of this
 * project, whose dependencies are installed, gives this one a copy of its log, and asks both the same random questions
 * of every kind and role. With `--folder F` the ledgers stay there, and a later run asks them again.
 */
const { values } = parseArgs({
  options: {
    old: { type: "string" },
    events: { type: "string", default: "11000000" },
    queries: { type: "string", default: "200000" },
    seed: { type: "string", default: "1" },
    folder: { type: "string" },
  },
});
if (!values.old || !existsSync(join(values.old, "bench/src")))
  throw new Error("--old takes a checkout of this project");
const old = resolve(values.old);
const [events, queries, seed] = [values.events, values.queries, values.seed].map(Number);
const folder = values.folder ?? (await mkdtemp(join(tmpdir(), "payledger-equality-")));
const [before, after] = [join(folder, "old"), join(folder, "new")];
const HOURS_3 = 3 * 3600;
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => void endChildren().then(() => process.exit(130)));
try {
  if (!existsSync(after)) {
    await fillAlone({ events: events ?? 0, seed: seed ?? 1 });
    await cp(before, after, { recursive: true, filter: (path) => !isReadSide(path) });
  }
  const wholes = await Promise.all([startFollowed(before, old), startFollowed(after, undefined)]);
  const [oldUrl = "", newUrl = ""] = wholes.map(({ ready }) => `http://127.0.0.1:${ready.port}`);
  const asking = await openAsking(after);
  const next = seeded(seed ?? 1);
  const objects = await findObjects(asking, oldUrl, next);
  const options = { objects, next, queries: queries ?? 0 };
  const { asked, cut, took, differing } = await compare(asking, { old: oldUrl, new: newUrl }, options);
  for (const text of differing) console.log(text);
  console.log(`${asked} asked, ${differing.length} differ; of ${cut} lists only the first pages were compared`);
  console.log(`an answer took ${took.old.toFixed(2)} ms from the old, ${took.new.toFixed(2)} ms from the new`);
  if (differing.length > 0) process.exitCode = 1;
} finally {
  await endChildren();
  if (values.folder === undefined) await rm(folder, { recursive: true, force: true });
}

/** The read side of the old ledger follows later: it would take the most of the time from the write side. */
async function fillAlone(options: HistoryOptions): Promise<void> {
  const began = performance.now();
  // It makes the folder.
  await (await startWhole(before, old)).stop();
  const ledger: FilledLedger = await startChild("servers/ledger.ts", { folder: before }, old);
  await fill(ledger, options);
  await ledger.stop();
  say(`the log is filled after ${seconds(began)} s`);
}

/** Starts a ledger, and waits until its projections have every event. */
async function startFollowed(data: string, build: Checkout): Promise<Whole> {
  const began = performance.now();
  const whole = await startWhole(data, build);
  await caughtUp(whole, began, HOURS_3);
  say(`${basename(data)}: the read side has caught up after ${seconds(began)} s`);
  return whole;
}

function isReadSide(path: string): boolean {
  return /^(models|views)\.sqlite/.test(basename(path));
}

function seconds(sinceMs: number): string {
  return ((performance.now() - sinceMs) / 1000).toFixed(0);
}

function say(text: string): void {
  process.stderr.write(`${new Date().toISOString()} ${text}\n`);
}
