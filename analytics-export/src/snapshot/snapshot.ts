import { createHash } from "node:crypto";
import { LedgerError, type Micros, type Position } from "ledger-core";
import type { Add } from "../delta/actions.ts";
import { readLog } from "../delta/log.ts";
import type { Lake } from "../ports/lake.ts";
import { type ExportTable, exportTables } from "../tables/tables.ts";
import { revisionsIn, rowsInOrder, rowText } from "../verification/lake-rows.ts";

/** The part of a table that belongs to a data set as of a position. */
export type SnapshotTable = {
  readonly table: string;
  /** Names and types, in the order of the hash. */
  readonly columns: readonly string[];
  /** A version of the Delta table that holds all of it, to be read with `where`. */
  readonly version: number;
  /** Its rows, in SQL. */
  readonly where: string;
  readonly rows: number;
  /** SHA-256 over all cells in the order of shards and revisions, hex; the layout of files does not matter. */
  readonly sha256: string;
};

/** A data set that holds nothing that came after a position; two of the same position have the same `sha256`. */
export type LakeSnapshot = {
  readonly format: 1;
  readonly at: readonly Position[];
  readonly tables: readonly SnapshotTable[];
  /** SHA-256 over the positions and each table's name, columns, rows and hash, hex. */
  readonly sha256: string;
};

/**
 * Describes all tables as of one position per shard, from the lake alone.
 * @throws LedgerError not_ready when a table does not reach a position yet; store_damaged
 */
export async function takeSnapshot(lake: Lake, positions: readonly Position[]): Promise<LakeSnapshot> {
  const at = positions.toSorted((a, b) => a.shard - b.shard);
  const tables: SnapshotTable[] = [];
  for (const table of exportTables) tables.push(await tableAt(lake, table, at));
  const lasting = tables.map(({ table, columns, rows, sha256 }) => ({ table, columns, rows, sha256 }));
  const sha256 = createHash("sha256")
    .update(JSON.stringify({ at, tables: lasting }))
    .digest("hex");
  return { format: 1, at, tables, sha256 };
}

async function tableAt(lake: Lake, table: ExportTable, at: readonly Position[]): Promise<SnapshotTable> {
  const { version, snapshot } = await readLog(lake, table.name, { files: true });
  const revisionAt = table.columns.findIndex(({ name }) => name === "revision");
  const hash = createHash("sha256");
  let rows = 0;
  for (const { shard, revision } of at) {
    const reached = snapshot.txns.get(`payledger/${table.name}/${shard}`) ?? -1;
    if (reached < revision)
      throw new LedgerError("not_ready", `${table.name} holds shard ${shard} up to ${reached}, not yet ${revision}`);
    const adds = Array.from(snapshot.adds.values()).filter((add) => revisionsIn(add).min <= revision);
    for await (const row of rowsInOrder({ lake, table, shard }, adds)) {
      if (Number(row[revisionAt]) > revision) break;
      hash.update(rowText(row));
      rows += 1;
    }
  }
  const where = at.map(({ shard, revision }) => `(shard = ${shard} and revision <= ${revision})`).join(" or ");
  const columns = table.columns.map(({ name, type }) => `${name} ${type}`);
  return { table: table.name, columns, version, where, rows, sha256: hash.digest("hex") };
}

const DAY_US = 86_400_000_000;

/**
 * The last revision of each shard that was booked by a time.
 * @throws LedgerError not_ready when a shard holds nothing later: what it will hold of that time is not known yet
 */
export async function positionsAt(lake: Lake, shards: number, time: Micros): Promise<readonly Position[]> {
  const [table] = exportTables;
  if (!table) return [];
  const column = (name: string) => table.columns.findIndex((one) => one.name === name);
  const [revisionAt, bookedAt] = [column("revision"), column("booked_at")];
  const { snapshot } = await readLog(lake, table.name, { files: true });
  const day = new Date(Math.floor(time / DAY_US) * (DAY_US / 1000)).toISOString().slice(0, 10);
  const positions: Position[] = [];
  for (let shard = 0; shard < shards; shard++) {
    // Times only grow within a shard, and earlier days have none that is later.
    const adds = Array.from(snapshot.adds.values()).filter((add: Add) => dayOf(add, table.partition) >= day);
    let first: number | undefined;
    for await (const row of rowsInOrder({ lake, table, shard }, adds)) {
      if (BigInt(row[bookedAt] ?? 0) <= BigInt(time)) continue;
      first = Number(row[revisionAt]);
      break;
    }
    if (first === undefined)
      throw new LedgerError("not_ready", `${table.name} holds nothing of shard ${shard} after that time yet`);
    if (first > 0) positions.push({ shard, revision: first - 1 });
  }
  return positions;
}

function dayOf({ partitionValues }: Add, partition: string): string {
  return partitionValues[partition] ?? "";
}
