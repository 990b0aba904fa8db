import type { Knex } from "knex";
import {
  assert,
  type Build,
  LedgerError,
  type ProjectionStore,
  type ProjectionTarget,
  ROWS_AT_A_TIME,
  type RowReader,
  type StoreRow,
} from "ledger-core";
import {
  beyondKey,
  dialectOf,
  inSnapshot,
  integrityFaults,
  inWritingTransaction,
  type SqlValue,
  selectRows,
  tableNames,
  translateStoreErrors,
} from "ledger-core/sql";
import { aloneInProcess, buildsWithTables } from "../builds.ts";
import { aloneOnServer } from "./alone.ts";
import { moveCheckpoint, readCheckpoint, serveBuild, servedBuild } from "./builds.ts";
import {
  createBuild,
  dropBuild,
  layoutOf,
  type PreparedWrite,
  type SqlModel,
  type SqlTables,
  showBuild,
  tableSuffix,
} from "./model.ts";
import { makeRowMemory, noSeenRows } from "./seen-rows.ts";

/**
 * Connections to a SQL store. `reader` must read outside `db`'s transactions: on SQLite a read-only connection to the
 * same file; on MySQL it may be `db` itself, if its pool has room for two.
 */
export type SqlConnections = { readonly db: Knex; readonly reader: Knex };

const store = "read models";

/** The store of a projection in SQL tables. */
export function sqlStore<Change>({ db, reader }: SqlConnections, model: SqlModel<Change>): ProjectionStore<Change> {
  const tables = { ...model, name: model.projection.name };
  const layout = layoutOf(db, tables);
  return {
    ...sqlTarget(db, model),
    tables: model.tables,
    served: () => translateStoreErrors(store, () => servedBuild(db, layout)),
    create: (build) => translateStoreErrors(store, () => createBuild(db, tables, build)),
    drop: (build) =>
      translateStoreErrors(store, async () => {
        // A switch that was interrupted may have left them with the build that it replaced.
        await showBuild(db, tables, await servedBuild(db, layout));
        await dropBuild(db, tables, build);
      }),
    target: (build) => sqlTarget(db, model, build),
    rows: (build) => rowsOf(db, tables, build),
    atOneMoment: (work) =>
      translateStoreErrors(store, () =>
        inSnapshot(reader, async (moment) => {
          const build = await servedBuild(moment, layout);
          return work({
            checkpoint: (shard) => readCheckpoint(moment, layout, build, shard),
            rows: rowsOf(moment, tables, build),
          });
        }),
      ),
    leftovers: () =>
      translateStoreErrors(store, async () => {
        const { version } = await servedBuild(db, layout);
        const stems = model.tables.map((table) => table.name + layout.suffix);
        return buildsWithTables(await tableNames(db), stems).filter((build) => build.version !== version);
      }),
    alone: dialectOf(db) === "sqlite" ? aloneInProcess(store) : aloneOnServer(db, layout),
    switchTo: (live, build, catchUp) =>
      translateStoreErrors(store, async () => {
        await inWritingTransaction(db, async (trx) => {
          const { version } = await servedBuild(trx, layout, "update");
          if (version !== live.version)
            throw new LedgerError("not_ready", `${store}: build ${live.version} is not served any more`);
          await catchUp(sqlTarget(trx, model, build), (shard) => readCheckpoint(trx, layout, live, shard));
          await serveBuild(trx, layout, build);
        });
        // Until then the views show the previous build, which is dropped later; a migration also makes them show the
        // served one.
        await showBuild(db, tables, build);
      }),
    faults: () => translateStoreErrors(store, () => integrityFaults(reader)),
    close: async () => {},
  };
}

/**
 * The target of a projection in SQL tables. Without `build` it follows the served build across switches: each
 * transaction looks it up and locks it against a switch until the commit.
 */
export function sqlTarget<Change>(db: Knex, model: SqlModel<Change>, build?: Build): ProjectionTarget<Change> {
  const layout = layoutOf(db, { ...model, name: model.projection.name });
  const prepared = new WeakMap<readonly Change[], PreparedWrite>();
  // On a server, looking up a batch of accounts takes about as long as inserting their entries.
  const memory = dialectOf(db) === "mysql" ? makeRowMemory() : undefined;
  return {
    checkpoint: (shard) =>
      translateStoreErrors(store, async () =>
        readCheckpoint(db, layout, build ?? (await servedBuild(db, layout)), shard),
      ),
    apply: (shard, after, upTo, changes) =>
      translateStoreErrors(store, async () => {
        const write = prepared.get(changes) ?? model.prepare(db, changes);
        const rows = memory?.begin(shard);
        await inWritingTransaction(db, async (trx) => {
          const into = build ?? (await servedBuild(trx, layout, "share"));
          await moveCheckpoint(trx, layout, into, shard, after, upTo);
          const suffix = layout.suffix + into.suffix;
          await write(trx, suffix, shard, rows?.seen(suffix, after) ?? noSeenRows);
        });
        rows?.end(upTo);
      }),
    // SQLite keeps this thread busy while it writes.
    ...(dialectOf(db) === "mysql" && {
      prepare: (changes: readonly Change[]) => void prepared.set(changes, model.prepare(db, changes)),
    }),
  };
}

function rowsOf(db: Knex, model: SqlTables, build: Build): RowReader {
  const suffix = tableSuffix(db, model, build);
  return (name, after) => {
    const table = model.tables.find((one) => one.name === name);
    assert(table, `${name} is a table of the store`);
    const columns = Object.keys(table.columns).map((column) => `\`${column}\``);
    const key = table.key.map((column) => `\`${column}\``).join(", ");
    const beyond = after && beyondKey(db, table.key, (column) => keyValue(after[column]));
    const where = beyond ? `WHERE ${beyond.text}` : "";
    const from = `SELECT ${columns.join(", ")} FROM \`${name}${suffix}\``;
    return selectRows<StoreRow>(db, `${from} ${where} ORDER BY ${key} LIMIT ${ROWS_AT_A_TIME}`, beyond?.values);
  };
}

function keyValue(value: unknown): SqlValue {
  if (typeof value === "string" || typeof value === "number" || typeof value === "bigint") return value;
  throw new LedgerError("row_unreadable", "read models: a row's key holds a value that is no key");
}
