import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { parse } from "csv-parse";
import { assert } from "ledger-core";
import { type BerkaRow, berkaColumns, readRow } from "./berka-row.ts";

export type RowFault = { readonly file: string; readonly line: number; readonly detail: string };

/** One file's rows in order without duplicates, whether or not an earlier file has them too. */
export type FileRows = {
  readonly rows: readonly BerkaRow[];
  /** SHA-256 over the content of the rows in order, independent of the file's name and line ends. */
  readonly digest: string;
};

/** The rows of a run's files in order, without duplicates; if there are faults, nothing may be posted. */
export type BerkaRows = {
  readonly rows: readonly BerkaRow[];
  readonly faults: readonly RowFault[];
  /** Rows that occurred before with the same content; they are not in `rows`. */
  readonly repeated: number;
  /** SHA-256 over the content of the rows in order, independent of files and line ends. */
  readonly digest: string;
  readonly files: readonly FileRows[];
};

type Known = { readonly text: string; readonly row: BerkaRow };

/** Reads and checks all files before anything is posted, so that no malformed file is imported in part. */
export async function readBerkaFiles(files: readonly string[]): Promise<BerkaRows> {
  const rows: BerkaRow[] = [];
  const faults: RowFault[] = [];
  const seen = new Map<string, Known>();
  const hash = createHash("sha256");
  const perFile: FileRows[] = [];
  let repeated = 0;
  for (const file of files) {
    const own = new Set<BerkaRow>();
    const ownHash = createHash("sha256");
    const take = (row: BerkaRow, text: string) => {
      if (own.has(row)) return;
      own.add(row);
      ownHash.update(`${text}\n`);
    };
    await eachRecord(file, (record, line) => {
      const result = readRow(record, file, line);
      if ("fault" in result) {
        faults.push({ file, line, detail: result.fault });
        return;
      }
      const text = record.join(",");
      const before = seen.get(result.row.id);
      if (before === undefined) {
        seen.set(result.row.id, { text, row: result.row });
        rows.push(result.row);
        hash.update(`${text}\n`);
        take(result.row, text);
      } else if (before.text === text) {
        repeated++;
        take(before.row, text);
      } else {
        const { row } = before;
        const place = row.file === file ? `line ${row.line}` : `${row.file}:${row.line}`;
        faults.push({ file, line, detail: `trans_id ${result.row.id} stands with other content in ${place}` });
      }
    }).catch((error: unknown) => {
      faults.push({ file, ...placeOf(error) });
    });
    perFile.push({ rows: [...own], digest: ownHash.digest("hex") });
  }
  return { rows, faults, repeated, digest: hash.digest("hex"), files: perFile };
}

/** A file whose header or quoting is malformed, so that the rest cannot be parsed. */
class BrokenFile extends Error {
  readonly line: number;
  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

async function eachRecord(file: string, onRecord: (record: readonly string[], line: number) => void): Promise<void> {
  const parser = parse({ bom: true, relax_column_count: true, info: true, skip_empty_lines: true });
  let header = true;
  await pipeline(createReadStream(file), parser, async (records) => {
    for await (const { record, info } of records) {
      assert(Array.isArray(record) && typeof info?.lines === "number", "csv-parse gives records with their line");
      if (header) checkHeader(record);
      else onRecord(record, info.lines);
      header = false;
    }
  });
  if (header) throw new BrokenFile(1, "the file is empty: it has no header");
}

function checkHeader(names: readonly string[]): void {
  const missing = berkaColumns.filter((column) => !names.includes(column));
  if (missing.length > 0) throw new BrokenFile(1, `the header lacks ${missing.join(", ")}`);
  if (names.join() !== berkaColumns.join()) {
    throw new BrokenFile(1, `the header is not ${berkaColumns.join(",")}`);
  }
}

function placeOf(error: unknown): { line: number; detail: string } {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof BrokenFile) return { line: error.line, detail: message };
  const line = error instanceof Error && "lines" in error && typeof error.lines === "number" ? error.lines : 0;
  return { line, detail: line > 0 ? `not CSV: ${message}` : `cannot be read: ${message}` };
}
