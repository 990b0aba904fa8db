import type { Knex } from "knex";
import { type Position, tables } from "ledger-core";
import {
  dialectOf,
  joinsInOrder,
  LAYOUTS_TABLE,
  layoutSuffix,
  MODELS_LAYOUT,
  numberOf,
  type SqlValue,
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

/** Whether statements name the runs of entries instead of joining them. */
function namesRuns(db: Knex, projection: string): boolean {
  return projection === "models" && !joinsInOrder(db);
}

/**
 * As `readServed`, and the runs of entries where statements name them.
 * @param expected the suffix of the build that is probably served: its runs are read in the same round trip
 */
export async function openSnapshot(
  db: Knex,
  limits: QueryLimits,
  projection: string,
  expected?: string,
): Promise<ModelsSnapshot | undefined> {
  if (!namesRuns(db, projection)) {
    const served = await readServed(db, projection);
    return served && { ...served, db, runs: "joined", limits };
  }
  const { text: servedText, values } = servedQuery(db, projection);
  const rows =
    expected === undefined
      ? await selectRows<ReadRow>(db, servedText, values)
      : await selectRows<ReadRow>(
          db,
          `SELECT s.suffix, s.shard, s.revision, NULL AS run FROM (${servedText}) AS s
            UNION ALL SELECT NULL, NULL, NULL, r.run FROM (${runsText(expected)}) AS r`,
          values,
        );
  const served = servedOf(rows.filter((row) => row.suffix !== null));
  if (!served) return undefined;
  const runRows =
    served.suffix === expected
      ? rows.filter((row) => row.suffix === null)
      : await selectRows<ReadRow>(db, runsText(served.suffix));
  const runs = runRows.map((row) => count(row, "run")).sort((one, other) => other - one);
  return { ...served, db, runs, limits };
}

function runsText(suffix: string): string {
  return `SELECT DISTINCT run FROM \`${tables.entryRuns}${suffix}\``;
}

type Served = Pick<ModelsSnapshot, "suffix" | "positions">;

/**
 * Reads the served build of a projection and its checkpoints in one statement, and so at one moment. Undefined before
 * the projection's tables exist, and on a server while they are still built from the log for the first time.
 */
export async function readServed(db: Knex, projection: string): Promise<Served | undefined> {
  const { text: query, values } = servedQuery(db, projection);
  return servedOf(await selectRows<ReadRow>(db, query, values));
}

function servedQuery(db: Knex, projection: string): { readonly text: string; readonly values: readonly SqlValue[] } {
  const complete = `AND EXISTS (SELECT 1 FROM ${LAYOUTS_TABLE} WHERE name = '${MODELS_LAYOUT}' AND complete = 1)`;
  return {
    text: `SELECT v.suffix, c.shard, c.revision FROM ${tables.modelVersions} AS v
      LEFT JOIN ${tables.checkpoints} AS c ON c.projection = v.projection AND c.version = v.version
      WHERE v.projection = ? ${dialectOf(db) === "sqlite" ? "" : complete}`,
    values: [projection + layoutSuffix(db)],
  };
}

function servedOf(rows: readonly ReadRow[]): Served | undefined {
  const [first] = rows;
  if (!first) return undefined;
  const suffix = text(first, "suffix");
  if (!/^(_\d{4})?(_v\d+)?$/.test(suffix)) throw unreadable("suffix");
  const positions = rows
    .filter((row) => row.revision !== null && count(row, "revision") >= 0)
    .map((row) => ({ shard: count(row, "shard"), revision: count(row, "revision") }))
    .sort((a, b) => a.shard - b.shard);
  return { suffix, positions };
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
