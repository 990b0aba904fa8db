import type { Knex } from "knex";
import { type Position, tables } from "ledger-core";
import {
  dialectOf,
  joinsInOrder,
  LAYOUTS_TABLE,
  layoutSuffix,
  MODELS_LAYOUT,
  numberOf,
  selectRows,
  viaIndex,
} from "ledger-core/sql";
import type { QueryLimits } from "../limits.ts";
import { count, type ReadRow, text, unreadable } from "./columns.ts";
import { plain, type Sql } from "./sql.ts";

/** A table of the read models, by its key in `tables`. */
export type TableName = keyof typeof tables;

/**
 * The tables of a SQL projection as one request sees them: a connection inside a transaction, the served build and its
 * positions.
 */
export type ModelsSnapshot = {
  readonly db: Knex;
  readonly suffix: string;
  /** The runs by which entries are partitioned, newest first; `joined` if statements join them. */
  readonly runs: readonly number[] | "joined";
  readonly limits: QueryLimits;
  /** One per shard, by shard; a shard without projected events is missing. */
  readonly positions: readonly Position[];
};

/**
 * Reads the served build of a projection and its checkpoints in one statement, and so at one moment. Undefined before
 * the projection's tables exist, and on a server while they are still built from the log for the first time.
 */
export async function openSnapshot(
  db: Knex,
  limits: QueryLimits,
  projection: string,
): Promise<ModelsSnapshot | undefined> {
  const rows: ReadRow[] = await db(`${tables.modelVersions} as v`)
    .leftJoin(`${tables.checkpoints} as c`, (join) =>
      join.on("c.projection", "v.projection").andOn("c.version", "v.version"),
    )
    .where("v.projection", projection + layoutSuffix(db))
    .modify((query) => {
      if (dialectOf(db) === "sqlite") return;
      void query.whereExists(db(LAYOUTS_TABLE).where({ name: MODELS_LAYOUT, complete: 1 }));
    })
    .select("v.suffix", "c.shard", "c.revision");
  const [first] = rows;
  if (!first) return undefined;
  const suffix = text(first, "suffix");
  if (!/^(_\d{4})?(_v\d+)?$/.test(suffix)) throw unreadable("suffix");
  const positions = rows
    .filter((row) => row.revision !== null && count(row, "revision") >= 0)
    .map((row) => ({ shard: count(row, "shard"), revision: count(row, "revision") }))
    .sort((a, b) => a.shard - b.shard);
  const runs = joinsInOrder(db) || projection !== "models" ? "joined" : await readRuns(db, suffix);
  return { db, suffix, runs, limits, positions };
}

async function readRuns(db: Knex, suffix: string): Promise<number[]> {
  const text = `SELECT DISTINCT run FROM \`${tables.entryRuns}${suffix}\` ORDER BY run DESC`;
  return (await selectRows<ReadRow>(db, text)).map((row) => count(row, "run"));
}

/** Runs one SELECT. */
export function select(snapshot: ModelsSnapshot, { text: query, values }: Sql): Promise<ReadRow[]> {
  return selectRows<ReadRow>(snapshot.db, query, values);
}

/** A served table for FROM under an alias. */
export function table(snapshot: ModelsSnapshot, name: TableName, alias: string): Sql {
  return plain(`\`${tables[name]}${snapshot.suffix}\` AS ${alias}`);
}

/** A served table for FROM, walked along the index on these columns or along its primary key. */
export function along(
  { db, suffix }: ModelsSnapshot,
  name: TableName,
  alias: string,
  columns: readonly string[] | "primary key",
): Sql {
  return plain(viaIndex(db, tables[name] + suffix, columns, alias).toQuery());
}

/** Numbers from `from` up to but not including `below`; within a shard they are in the order of time. */
export type NumberRange = { readonly from: number; readonly below: number };

export function numbersOf(shard: number): NumberRange {
  return { from: numberOf({ shard, revision: 0 }), below: numberOf({ shard: shard + 1, revision: 0 }) };
}
