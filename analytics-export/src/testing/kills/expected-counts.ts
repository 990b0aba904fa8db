import type { LedgerEvent, StoredForm } from "ledger-core";
import { type ExportTable, exportTables } from "../../tables/tables.ts";
import { names } from "../folder.ts";

/** The rows that a table must hold, for any reader to count. */
export type TableCounts = {
  readonly rows: number;
  /** Events with rows in it. */
  readonly revisions: number;
  /** The last of them. */
  readonly last: number | null;
  /** The sum of each column of type long, as text. */
  readonly sums: Readonly<Record<string, string>>;
};

/** The stored form of every event of a history for tests. */
export const storedForm: StoredForm = { version: 1, leaf: new Uint8Array(32) };

/** The counts of each table after a history. */
export function expectedCounts(history: readonly LedgerEvent[]): Readonly<Record<string, TableCounts>> {
  return Object.fromEntries(exportTables.map((table) => [table.name, countsOf(table, history)]));
}

function countsOf({ columns, rows }: ExportTable, history: readonly LedgerEvent[]): TableCounts {
  const events = history.map((event) => ({ revision: event.revision, cells: rows(event, storedForm, names) }));
  const present = events.filter(({ cells }) => cells.length > 0);
  const all = present.flatMap(({ cells }) => cells);
  const sums = columns.flatMap(({ name, type }, column) =>
    type === "long" ? [[name, String(all.reduce((sum, row) => sum + BigInt(row[column] ?? 0), 0n))]] : [],
  );
  return {
    rows: all.length,
    revisions: present.length,
    last: present.at(-1)?.revision ?? null,
    sums: Object.fromEntries(sums),
  };
}
