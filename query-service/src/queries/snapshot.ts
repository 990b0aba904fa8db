import type { Knex } from "knex";
import { type CheckpointRow, type ModelVersionRow, type Position, tables } from "ledger-core";
import { viaIndex } from "ledger-core/sql";
import type { QueryLimits } from "../limits.ts";

/** The names of the served build's tables. */
export type ServedTables = Readonly<
  Record<
    "accounts" | "entries" | "holdChanges" | "dailyTotals" | "payments" | "ownerPayments" | "movements" | "milestones",
    string
  >
>;

/**
 * The read models as one request sees them: a connection inside a transaction, the served tables and their positions.
 */
export type ModelsSnapshot = {
  readonly db: Knex;
  readonly version: number;
  readonly tables: ServedTables;
  readonly limits: QueryLimits;
  /** One per shard, by shard; a shard without projected events is missing. */
  readonly positions: readonly Position[];
};

/** The projection's name in `checkpoints` and `model_versions`. */
const modelsProjection = "models";

/**
 * Reads the served build and its checkpoints in one statement, and so as of one moment. Undefined before the models
 * exist.
 */
export async function openSnapshot(db: Knex, limits: QueryLimits): Promise<ModelsSnapshot | undefined> {
  const rows: (ModelVersionRow & Pick<CheckpointRow, "shard" | "revision">)[] = await db(`${tables.modelVersions} as v`)
    .leftJoin(`${tables.checkpoints} as c`, (join) =>
      join.on("c.projection", "v.projection").andOn("c.version", "v.version"),
    )
    .where("v.projection", modelsProjection)
    .select("v.version", "v.suffix", "c.shard", "c.revision");
  const [first] = rows;
  if (!first) return undefined;
  const positions = rows
    .filter((row) => row.revision !== null && row.revision >= 0n)
    .map((row) => ({ shard: Number(row.shard), revision: Number(row.revision) }))
    .sort((a, b) => a.shard - b.shard);
  return { db, version: Number(first.version), tables: suffixed(first.suffix), limits, positions };
}

/** A query on a served table, forced to use the index on these columns. */
export function selectByIndex<Row extends object>(
  snapshot: ModelsSnapshot,
  table: keyof ServedTables,
  columns: readonly string[] | "primary key",
): Knex.QueryBuilder<Row, Row[]> {
  const query: Knex.QueryBuilder<Row, Row[]> = snapshot.db.queryBuilder();
  query.from(viaIndex(snapshot.db, snapshot.tables[table], columns));
  return query;
}

function suffixed(suffix: string): ServedTables {
  return {
    accounts: tables.accounts + suffix,
    entries: tables.entries + suffix,
    holdChanges: tables.holdChanges + suffix,
    dailyTotals: tables.dailyTotals + suffix,
    payments: tables.payments + suffix,
    ownerPayments: tables.ownerPayments + suffix,
    movements: tables.movements + suffix,
    milestones: tables.milestones + suffix,
  };
}
