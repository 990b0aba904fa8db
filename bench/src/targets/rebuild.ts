import { statSync } from "node:fs";
import { join } from "node:path";
import { checkAnswers } from "../checks.ts";
import { type Checkout, runLoad, startChild } from "../children.ts";
import { type Figure, figure, otherBuild } from "../figure.ts";
import type { Scale } from "../scale.ts";
import type { LedgerServerReady } from "../servers/ledger.ts";
import type { RebuildReady, RebuildRunOptions, Rebuilt } from "../servers/rebuild.ts";
import { bulkPlan } from "./bulk-plan.ts";

/** A log to rebuild from, how many of its events precede the timed part, and the targets in events/s. */
type Source = {
  readonly folder: string;
  readonly accounts: number;
  readonly events: number;
  readonly atLeast: { readonly sqlite: number; readonly mariadb: number };
};

/**
 * Measures how fast the read models are rebuilt (P5) in each store that this machine has: from a folder's log of many
 * accounts, and from a new one of few.
 */
export async function measureRebuilds(
  folder: string,
  accounts: number,
  scale: Scale,
  against: Checkout,
): Promise<Figure[]> {
  const many = { folder, accounts, events: scale.rebuildEvents, atLeast: { sqlite: 40_000, mariadb: 30_000 } };
  const few = {
    ...{ folder: join(folder, "few"), accounts: scale.accounts, events: scale.smallRebuildEvents },
    atLeast: { sqlite: 120_000, mariadb: 45_000 },
  };
  await writeLog(few);
  return [...(await measureRebuild(few, against)), ...(await measureRebuild(many, against))];
}

async function writeLog({ folder, accounts: count, events }: Source): Promise<void> {
  const ledger = await startChild<LedgerServerReady>("servers/ledger.ts", { folder });
  const { accounts } = await ledger.ask<{ accounts: string[] }>({ ask: "accounts", count });
  checkAnswers("the ledger", [await runLoad(bulkPlan({ ...ledger.ready, accounts }, events))]);
  await ledger.stop();
}

async function measureRebuild(source: Source, against: Checkout): Promise<Figure[]> {
  const among = `among ${source.accounts.toLocaleString("en")} accounts`;
  const file = (name: string) => join(source.folder, `${name}.sqlite`);
  const ours = await rebuild(source, { file: file("rebuilt") });
  const other = against === undefined ? undefined : await rebuild(source, { file: file("other") }, against);
  const figures = ours ? sqliteFigures(among, source, { ...ours, file: file("rebuilt") }, other) : [];
  const inMariadb = await rebuild(source, "mariadb");
  if (!inMariadb) return figures;
  const otherInMariadb = against === undefined ? undefined : await rebuild(source, "mariadb", against);
  const mariadb = figure("P5", `read models rebuilt in MariaDB, ${among}`, {
    ...{ value: rateOf(inMariadb), unit: "events/s", atLeast: source.atLeast.mariadb, note: noteOf(inMariadb) },
    beside: otherBuild(otherInMariadb, rateOf),
  });
  return [...figures, mariadb];
}

function sqliteFigures(
  among: string,
  { atLeast }: Source,
  ours: Rebuilt & { readonly file: string },
  other: Rebuilt | undefined,
): Figure[] {
  const written = ({ writtenBytes, events }: Rebuilt) => (writtenBytes ?? Number.NaN) / events;
  return [
    figure("P5", `read models rebuilt in SQLite, ${among}`, {
      ...{ value: rateOf(ours), unit: "events/s", atLeast: atLeast.sqlite, note: noteOf(ours) },
      beside: otherBuild(other, rateOf),
    }),
    figure("P5", "its CPU", { value: cpuOf(ours), unit: "us per event", beside: otherBuild(other, cpuOf) }),
    figure("P5", "bytes written", {
      ...{ value: written(ours), unit: "bytes per event", atMost: 1500, beside: otherBuild(other, written) },
    }),
    figure("P5", "read models at rest", {
      ...{ value: statSync(ours.file).size / ours.events, unit: "bytes per payment", atMost: 350 },
    }),
  ];
}

const rateOf = ({ events, seconds }: Rebuilt) => events / seconds;
const cpuOf = ({ events, cpuSeconds }: Rebuilt) => (cpuSeconds / events) * 1e6;

function noteOf({ events, seconds }: Rebuilt): string {
  return `${events.toLocaleString("en")} events in ${seconds.toFixed(1)} s`;
}

/** Undefined, with a message, if the machine has no such store. */
async function rebuild(
  { folder, accounts, events }: Source,
  store: RebuildRunOptions["store"],
  build?: Checkout,
): Promise<Rebuilt | undefined> {
  const options: RebuildRunOptions = { log: join(folder, "events.sqlite"), store, before: accounts, events };
  const child = await startChild<RebuildReady>("servers/rebuild.ts", options, build);
  const { ready } = child;
  await child.stop();
  if (!("absent" in ready)) return ready;
  process.stderr.write(`left out: read models in MariaDB: ${ready.absent}\n`);
  return undefined;
}
