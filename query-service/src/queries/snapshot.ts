import type { Knex } from "knex";
import { type CheckpointRow, type ModelVersionRow, type Position, tables } from "ledger-core";
import { viaIndex } from "ledger-core/sql";
import type { QueryLimits } from "../limits.ts";

/** A table of the read models, by its key in `tables`. */
export type TableName = keyof typeof tables;

/**
 * The tables of a SQL projection as one request sees them: a connection inside a transaction, the served build and its
 * positions.
 */
export type ModelsSnapshot = {
  readonly db: Knex;
  readonly version: number;
  /** The name of a table of the served build. */
  table(name: TableName): string;
  readonly limits: QueryLimits;
  /** One per shard, by shard; a shard without projected events is missing. */
  readonly positions: readonly Position[];
};

/**
 * Reads the served build of a projection and its checkpoints in one statement, and so as of one moment. Undefined
 * before the projection's tables exist.
 */
export async function openSnapshot(
  db: Knex,
  limits: QueryLimits,
  projection: string,
): Promise<ModelsSnapshot | undefined> {
  const rows: (ModelVersionRow & Pick<CheckpointRow, "shard" | "revision">)[] = await db(`${tables.modelVersions} as v`)
    .leftJoin(`${tables.checkpoints} as c`, (join) =>
      join.on("c.projection", "v.projection").andOn("c.version", "v.version"),
    )
    .where("v.projection", projection)
    .select("v.version", "v.suffix", "c.shard", "c.revision");
  const [first] = rows;
  if (!first) return undefined;
  const positions = rows
    .filter((row) => row.revision !== null && row.revision >= 0n)
    .map((row) => ({ shard: Number(row.shard), revision: Number(row.revision) }))
    .sort((a, b) => a.shard - b.shard);
  const { version, suffix } = first;
  return { db, version: Number(version), table: (name) => tables[name] + suffix, limits, positions };
}

/** A query on a served table, forced to use the index on these columns. */
export function selectByIndex<Row extends object>(
  snapshot: ModelsSnapshot,
  table: TableName,
  columns: readonly string[] | "primary key",
): Knex.QueryBuilder<Row, Row[]> {
  const query: Knex.QueryBuilder<Row, Row[]> = snapshot.db.queryBuilder();
  query.from(viaIndex(snapshot.db, snapshot.table(table), columns));
  return query;
}
