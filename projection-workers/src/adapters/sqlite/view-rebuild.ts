import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import { setImmediate } from "node:timers/promises";
import { LedgerError, type Projection, type ProjectionTarget, type Shard } from "ledger-core";
import { onStore } from "ledger-core/sql";
import { type Build, buildOf } from "../../rebuild/build.ts";
import {
  COMPARED_AT_A_TIME,
  type ComparedTable,
  type Comparison,
  compareTables,
  type Row,
  type RowSource,
} from "../../rebuild/comparison.ts";
import type { NextBuild, Reach, RebuildableStore, ShadowBuild } from "../../rebuild/rebuild.ts";
import type { View, ViewFile, ViewTable } from "./view-file.ts";

/** A view in a file, to be built again in tables beside the live ones. */
export function rebuildableView<Change, Statements>(
  projection: Projection<Change>,
  view: View<Change, Statements>,
  file: ViewFile<Change, Statements>,
): RebuildableStore<Change> {
  return { projection, live: file.target, begin: async () => begin(view, file) };
}

function begin<Change, Statements>(
  view: View<Change, Statements>,
  file: ViewFile<Change, Statements>,
): NextBuild<Change> {
  const live = file.served();
  const next = buildOf(live.version + 1);
  // What a crash between serving and dropping, or in the middle of a rebuild, has left.
  file.drop(buildOf(live.version - 1));
  file.drop(next);
  file.create(next);
  const target: ProjectionTarget<Change> = {
    checkpoint: async (shard) => file.checkpoint(next, shard),
    apply: async (...change) => file.apply(next, ...change),
  };
  return {
    version: next.version,
    target,
    compare: (shards, reach) =>
      compareWithLive(view, file, { database: file.database, build: next, target }, shards, reach),
    async serve(shards, reach) {
      await file.exclusively(async () => {
        for (const shard of shards) await reach(target, shard, file.checkpoint(live, shard));
        file.serve(next);
      });
      file.drop(live);
    },
    async discard() {
      if (file.served().version !== next.version) file.drop(next);
    },
  };
}

export type Shadow<Change> = ShadowBuild<Change> & { close(): Promise<void> };

type Compared<Change> = {
  readonly database: DatabaseSync;
  readonly build: Build;
  readonly target: ProjectionTarget<Change>;
};

/** Compares a build with the live one as it is at one moment, at that moment's positions. */
function compareWithLive<Change, Statements>(
  view: View<Change, Statements>,
  file: Pick<ViewFile<Change, Statements>, "openReader">,
  { database, build, target }: Compared<Change>,
  shards: readonly Shard[],
  reach: Reach<Change>,
): Promise<Comparison> {
  return atOneMoment(file, async (moment) => {
    const live = moment.served();
    const positions = shards.map((shard) => ({ shard, revision: moment.checkpoint(live, shard) }));
    for (const { shard, revision } of positions) await reach(target, shard, revision);
    return compareTables(view.tables.map((table) => compared(table, moment.database, live, database, build)));
  });
}

/** A build of a view in a file of its own, to be compared with the live one; `reader` only reads that, `scratch` is thrown away. */
export function shadowView<Change, Statements>(
  projection: Projection<Change>,
  view: View<Change, Statements>,
  reader: ViewFile<Change, Statements>,
  scratch: ViewFile<Change, Statements>,
): ShadowBuild<Change> {
  const build = scratch.served();
  const { database, target } = scratch;
  const store = `${view.name} view`;
  return {
    projection,
    target,
    checkpoint: (shard) => reader.target.checkpoint(shard),
    compare: (shards, reach) =>
      onStore(store, () => compareWithLive(view, reader, { database, build, target }, shards, reach)),
    faults: () =>
      onStore(store, async () => {
        const rows = reader.database.prepare("PRAGMA integrity_check(10)").all();
        return rows.map((row) => String(row.integrity_check)).filter((text) => text !== "ok");
      }),
  };
}

type Moment<Change, Statements> = Pick<ViewFile<Change, Statements>, "database" | "checkpoint" | "served">;

/** A second connection that sees the file as it is when the work first reads, while the first goes on writing. */
async function atOneMoment<Change, Statements, Result>(
  file: Pick<ViewFile<Change, Statements>, "openReader">,
  work: (moment: Moment<Change, Statements>) => Promise<Result>,
): Promise<Result> {
  const moment = file.openReader();
  moment.database.exec("BEGIN");
  try {
    return await work(moment);
  } finally {
    if (moment.database.isTransaction) moment.database.exec("ROLLBACK");
    await moment.close();
  }
}

function compared(
  table: ViewTable,
  moment: DatabaseSync,
  live: Build,
  database: DatabaseSync,
  next: Build,
): ComparedTable {
  return {
    name: table.name,
    key: table.key,
    live: rowsOf(moment, table, live.suffix),
    rebuilt: rowsOf(database, table, next.suffix),
  };
}

function rowsOf(database: DatabaseSync, { name, key }: ViewTable, suffix: string): RowSource {
  const list = key.join(", ");
  const rest = `ORDER BY ${list} LIMIT ${COMPARED_AT_A_TIME}`;
  const first = database.prepare(`SELECT * FROM ${name}${suffix} ${rest}`);
  const places = key.map(() => "?").join(", ");
  const further = database.prepare(`SELECT * FROM ${name}${suffix} WHERE (${list}) > (${places}) ${rest}`);
  return async (after) => {
    // The live build shares this thread: it gets its turn between two readings.
    await setImmediate();
    return after ? further.all(...key.map((column) => keyValue(after, column))) : first.all();
  };
}

function keyValue(row: Row, column: string): SQLInputValue {
  const value = row[column];
  if (typeof value === "string" || typeof value === "bigint") return value;
  throw new LedgerError("row_unreadable", `a row's ${column} holds what no key can`);
}
