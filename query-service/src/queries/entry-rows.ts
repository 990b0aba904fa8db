import { numberOf } from "ledger-core/sql";
import { along, type ModelsSnapshot, type NumberRange, table } from "./snapshot.ts";
import { all, joined, type Order, plain, type Sql, sql, way } from "./sql.ts";

/*
 * Entries are partitioned by runs of revisions, so an account's history, newest first, is its part of the newest run,
 * then of the next one, and so on. SQLite walks a join of the runs and their entries in that order. MySQL would sort
 * it, but has few runs: one SELECT per run, merged.
 */

/** Some entries `e` of one account. */
export type EntryRead = {
  /** The selected columns. Lists need `e.revision` and `e.idx` among them. */
  readonly columns: Sql;
  /** The account's number, and its shard. */
  readonly account: Sql;
  readonly shard: Sql;
  /** Finds entries with this reference by their own index. */
  readonly reference?: string | undefined;
  /** Range of revisions; by default all of the shard. */
  readonly revisions?: NumberRange | undefined;
  /** Conditions on the entry. */
  readonly wanted?: Sql | undefined;
  readonly order: Order;
};

const whole: NumberRange = { from: 0, below: numberOf({ shard: 1, revision: 0 }) };

/** SELECTs the first of these entries, after skipping `skipped`. */
export function entryRows(snapshot: ModelsSnapshot, read: EntryRead, limit: number, skipped = 0): Sql {
  const cut = skipped === 0 ? sql`LIMIT ${limit}` : sql`LIMIT ${limit} OFFSET ${skipped}`;
  if (snapshot.runs === "joined") return sql`${acrossRuns(snapshot, read)} ${cut}`;
  const runs = runsWithin(snapshot.runs, read.revisions ?? whole);
  const [run = 0, ...others] = runs;
  if (others.length === 0) return sql`${ofRun(snapshot, read, run)} ${cut}`;
  const parts = runs.map((one) => sql`SELECT * FROM (${ofRun(snapshot, read, one)} LIMIT ${limit + skipped}) AS part`);
  const { order } = read;
  return sql`SELECT * FROM (${joined(parts, " UNION ALL ")}) AS parts
    ORDER BY revision ${way(order)}, idx ${way(order)} ${cut}`;
}

/** A column of the first of these entries, as an expression; NULL without one. */
export function firstEntry(snapshot: ModelsSnapshot, read: EntryRead): Sql {
  if (snapshot.runs === "joined") return sql`(${acrossRuns(snapshot, read)} LIMIT 1)`;
  const runs = runsWithin(snapshot.runs, read.revisions ?? whole);
  const inOrder = read.order === "desc" ? runs : runs.toReversed();
  const firsts = (inOrder.length === 0 ? [0] : inOrder).map((run) => sql`(${ofRun(snapshot, read, run)} LIMIT 1)`);
  return sql`COALESCE(${joined(firsts, ", ")}, NULL)`;
}

/** The runs that contain these revisions, newest first. */
function runsWithin(runs: readonly number[], { from, below }: NumberRange): readonly number[] {
  const first = runs.find((run) => run <= from) ?? 0;
  return runs.filter((run) => run >= first && run < below);
}

function ofRun(snapshot: ModelsSnapshot, read: EntryRead, run: number): Sql {
  return sql`SELECT ${read.columns} FROM ${entriesOf(snapshot, read)}
    WHERE ${plain(walkOf(read))}.run = ${run} AND ${conditions(read)} ORDER BY ${inOrder(read)}`;
}

function acrossRuns(snapshot: ModelsSnapshot, read: EntryRead): Sql {
  const { shard, revisions = whole, order } = read;
  const oldest = sql`SELECT x.run FROM ${table(snapshot, "entryRuns", "x")}
    WHERE x.shard = ${shard} AND x.run <= ${revisions.from} ORDER BY x.run DESC LIMIT 1`;
  return sql`SELECT ${read.columns} FROM ${table(snapshot, "entryRuns", "r")} CROSS JOIN ${entriesOf(snapshot, read)}
    WHERE ${all(
      sql`r.shard = ${shard}`,
      revisions.from > 0 ? sql`r.run >= COALESCE((${oldest}), 0)` : undefined,
      sql`r.run < ${revisions.below} AND ${plain(walkOf(read))}.run = r.run`,
      conditions(read),
    )}
    ORDER BY r.run ${way(order)}, ${inOrder(read)}`;
}

/** The alias of the walked table: the entries, or their references. */
function walkOf({ reference }: EntryRead): "e" | "w" {
  return reference === undefined ? "e" : "w";
}

function entriesOf(snapshot: ModelsSnapshot, { reference }: EntryRead): Sql {
  if (reference === undefined) return along(snapshot, "entries", "e", "primary key");
  return sql`${along(snapshot, "entryReferences", "w", "primary key")} CROSS JOIN ${table(snapshot, "entries", "e")}`;
}

function conditions(read: EntryRead): Sql {
  const { account, reference, revisions = whole, wanted } = read;
  const walk = plain(walkOf(read));
  return all(
    sql`${walk}.account = ${account}`,
    reference === undefined ? undefined : sql`w.reference = ${reference}`,
    sql`${walk}.revision >= ${revisions.from} AND ${walk}.revision < ${revisions.below}`,
    reference === undefined
      ? undefined
      : sql`e.run = w.run AND e.account = w.account AND e.revision = w.revision AND e.idx = w.idx`,
    wanted,
  );
}

function inOrder(read: EntryRead): Sql {
  const walk = plain(walkOf(read));
  return sql`${walk}.revision ${way(read.order)}, ${walk}.idx ${way(read.order)}`;
}
