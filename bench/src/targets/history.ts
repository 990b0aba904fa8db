import { join } from "node:path";
import { formatInstant } from "ledger-core";
import { connectMysql } from "ledger-core/sql";
import { migrateModels } from "projection-workers";
import { BenchFault } from "../checks.ts";
import { type Child, runScript, startChild } from "../children.ts";
import { type Figure, figure } from "../figure.ts";
import { bookedAt, history } from "../history/rows.ts";
import type { ReadPlan, ReadResult, ReadSeries } from "../load/reads.ts";
import type { BenchPair } from "../replica/pair.ts";
import type { Scale } from "../scale.ts";
import type { HistoryQuestion, HistoryServerOptions, HistoryServerReady } from "../servers/history.ts";

type Server = Child<HistoryServerReady>;
/** A served history with this many entries, and cursors all over it. */
type Served = { readonly entries: number; readonly server: Server; readonly cursors: readonly string[] };

const SHORT = 10_000;
const PAGE = 50;
/** Cursors to start from, and pages to read from each: together as many as the short history has pages. */
const PLACES = 10;
const PAGES_A_PLACE = 20;
const RANGES = 200;
const list = `/v1/accounts/${history.account}/entries`;

const pages = [
  { name: "first page", paths: () => [list] },
  {
    name: "page in the middle by cursor",
    paths: ({ cursors }: Served) => cursors.map((at) => `${list}?cursor=${at}`),
  },
  { name: "page of a range of dates", paths: rangePaths },
] as const;

const cursorKey = "07".repeat(32);

/** Reads pages of long histories, each in turn with a short one (P6). */
export async function measureHistory(folder: string, scale: Scale): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const entries of scale.historyEntries) {
    const served = (name: string, count: number) =>
      serveHistory({ folder: join(folder, `${entries}-${name}`), cursorKey }, count);
    const [short, long] = [await served("short", SHORT), await served("long", entries)];
    figures.push(...(await measurePages("P6", short, long, scale)));
  }
  return figures;
}

/** The same, from a replica of MariaDB. */
export async function measureReplicaHistory(folder: string, scale: Scale, on: BenchPair): Promise<Figure[]> {
  const served = async (name: string, entries: number) => {
    const database = await on.createDatabase();
    await migrateOn(on, database);
    const server = { filled: on.onReplica("admin", database), read: on.onReplica("reader", database) };
    return serveHistory({ folder: join(folder, name), cursorKey, server }, entries);
  };
  return measurePages("P6r", await served("short", SHORT), await served("long", scale.replicaEntries), scale);
}

/** Makes the tables on the primary, and waits until the replica has them. */
async function migrateOn(on: BenchPair, database: string): Promise<void> {
  const db = connectMysql(on.onPrimary("writer", database));
  await migrateModels(db);
  await db.destroy();
  const [replica] = on.pair.replicas();
  await replica?.caughtUp(on.pair.primary());
}

async function measurePages(id: "P6" | "P6r", short: Served, long: Served, scale: Scale): Promise<Figure[]> {
  const both = [short, long];
  const series = pages.flatMap(({ name, paths }) =>
    both.map((served): ReadSeries => ({ ...served.server.ready, name: nameOf(name, served), paths: paths(served) })),
  );
  const plan: ReadPlan = { series, warmup: 200, turns: scale.historyTurns, rows: PAGE };
  const result = await runScript<ReadResult>("load/reads.ts", plan);
  for (const { server } of both) await server.stop();
  return pages.flatMap(({ name }) => {
    const [ofLong, ofShort] = [result[nameOf(name, long)], result[nameOf(name, short)]];
    return pageFigures(id, name, { long: ofLong, short: ofShort, served: long });
  });
}

function nameOf(page: string, { entries }: Pick<Served, "entries">): string {
  return `${page}, ${entries.toLocaleString("en")} entries`;
}

type Latency = ReadResult[string] | undefined;

type Pages = { readonly long: Latency; readonly short: Latency; readonly served: Served };

function pageFigures(id: "P6" | "P6r", page: string, { long, short, served }: Pages): Figure[] {
  if (!long || !short) throw new Error(`${page} was not measured`);
  const name = nameOf(page, served);
  const p50Ratio = long.p50Ms / short.p50Ms;
  const p99Ratio = long.p99Ms / short.p99Ms;
  const than = `${SHORT.toLocaleString("en")} entries`;
  return [
    figure(id, `${name}: p99`, {
      ...{ value: long.p99Ms, unit: "ms", atMost: 10, beside: [{ name: than, value: short.p99Ms }] },
      note: `${long.count.toLocaleString("en")} pages of ${PAGE}`,
    }),
    figure(id, `${name}: p50`, { value: long.p50Ms, unit: "ms", beside: [{ name: than, value: short.p50Ms }] }),
    figure(id, `${name}: p50, long to short`, { value: p50Ratio, unit: "×", atMost: 1.2 }),
    figure(id, `${name}: p99, long to short`, { value: p99Ratio, unit: "×", atMost: 1.2 }),
  ];
}

/**
 * Fills a history in steps and takes the cursor behind the newest page at each step; in the end, these cursors are
 * spread over the history. Then restarts the server, so that nothing is cached from the filling.
 */
async function serveHistory(options: HistoryServerOptions, entries: number): Promise<Served> {
  const filling: Server = await startChild("servers/history.ts", options);
  const cursors: string[] = [];
  for (let place = 1; place <= PLACES; place++) {
    const [from, upTo] = [((place - 1) * entries) / PLACES, (place * entries) / PLACES];
    await filling.ask({ ask: "fill", from, upTo } satisfies HistoryQuestion);
    cursors.push(...(await cursorsFrom(filling.ready, place === 1 ? PAGES_A_PLACE - 2 : PAGES_A_PLACE)));
  }
  const books = await filling.ask<{ payments: number; sum: string }>({ ask: "books" } satisfies HistoryQuestion);
  await filling.stop();
  if (books.payments !== entries || books.sum !== "0")
    throw new BenchFault(`a history of ${entries} holds ${books.payments} entries and lacks ${books.sum}`);
  return { entries, server: await startChild("servers/history.ts", options), cursors };
}

/** The cursors of consecutive newest pages. */
async function cursorsFrom({ port, token }: HistoryServerReady, count: number): Promise<string[]> {
  const cursors: string[] = [];
  for (let page = 0; page < count; page++) {
    const last = cursors.at(-1);
    const url = `http://127.0.0.1:${port}${list}${last === undefined ? "" : `?cursor=${last}`}`;
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    const body: { nextCursor?: string | null; data?: unknown[] } = JSON.parse(await response.text());
    if (!body.nextCursor || body.data?.length !== PAGE)
      throw new BenchFault(`no page ${page} of a history: ${response.status}`);
    cursors.push(body.nextCursor);
  }
  return cursors;
}

/** One-hour ranges all over the history. */
function rangePaths({ entries }: Served): string[] {
  return Array.from({ length: RANGES }, (_, n) => {
    const from = Math.floor(((entries - 3600) * n) / RANGES);
    return `${list}?from=${formatInstant(bookedAt(from))}&to=${formatInstant(bookedAt(from + 3600))}`;
  });
}
