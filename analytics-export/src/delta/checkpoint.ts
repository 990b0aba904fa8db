import { parquetReadObjects, type SchemaElement } from "hyparquet";
import { parquetWriteBuffer } from "hyparquet-writer";
import { LedgerError } from "ledger-core";
import {
  type Action,
  type Add,
  decodeCommit,
  type MetaData,
  type Protocol,
  paddedVersion,
  type Remove,
} from "./actions.ts";

/*
 * Checkpoints: the state of a table at a version in one Parquet file, so that neither readers nor the exporter's start
 * have to read every commit since the first.
 */

/** A table's state: what it is, the last revision by shard, and the files that hold its rows now, by path. */
export type TableState = {
  protocol: Protocol | undefined;
  metaData: MetaData | undefined;
  readonly txns: Map<string, number>;
  readonly adds: Map<string, Add>;
  /** Files that were replaced, until they are removed. */
  readonly removes: Map<string, Remove>;
};

export function emptyState(): TableState {
  return { protocol: undefined, metaData: undefined, txns: new Map(), adds: new Map(), removes: new Map() };
}

/** Plays a commit's actions over a snapshot. */
export function playActions(snapshot: TableState, actions: readonly Action[]): void {
  for (const action of actions) {
    if ("protocol" in action) snapshot.protocol = action.protocol;
    else if ("metaData" in action) snapshot.metaData = action.metaData;
    else if ("txn" in action) snapshot.txns.set(action.txn.appId, action.txn.version);
    else if ("add" in action) {
      snapshot.adds.set(action.add.path, action.add);
      snapshot.removes.delete(action.add.path);
    } else {
      snapshot.adds.delete(action.remove.path);
      snapshot.removes.set(action.remove.path, action.remove);
    }
  }
}

/** The file names of a checkpoint, and the content of the pointer to it. */
export function checkpointName(version: number): string {
  return `${paddedVersion(version)}.checkpoint.parquet`;
}

/** The version of a checkpoint in one file; undefined for another name. */
export function checkpointVersion(name: string): number | undefined {
  const match = /^(\d{20})\.checkpoint\.parquet$/.exec(name);
  return match ? Number(match[1]) : undefined;
}

const optional = { repetition_type: "OPTIONAL" } as const;
const required = { repetition_type: "REQUIRED" } as const;

function group(name: string, children: readonly SchemaElement[][]): SchemaElement[] {
  return [{ name, num_children: children.length, ...optional }, ...children.flat()];
}
function text(name: string): SchemaElement[] {
  return [{ name, type: "BYTE_ARRAY", converted_type: "UTF8", ...optional }];
}
function long(name: string): SchemaElement[] {
  return [{ name, type: "INT64", ...optional }];
}
function int(name: string): SchemaElement[] {
  return [{ name, type: "INT32", ...optional }];
}
function flag(name: string): SchemaElement[] {
  return [{ name, type: "BOOLEAN", ...optional }];
}
function map(name: string): SchemaElement[] {
  const [key] = text("key");
  return [
    { name, num_children: 1, converted_type: "MAP", ...optional },
    { name: "key_value", num_children: 2, repetition_type: "REPEATED" },
    { ...key, name: "key", ...required },
    ...text("value"),
  ];
}
function list(name: string): SchemaElement[] {
  return [
    { name, num_children: 1, converted_type: "LIST", ...optional },
    { name: "list", num_children: 1, repetition_type: "REPEATED" },
    ...text("element"),
  ];
}

const fields = [
  group("txn", [text("appId"), long("version")]),
  group("add", [
    ...[text("path"), map("partitionValues"), long("size"), long("modificationTime"), flag("dataChange")],
    ...[text("stats"), map("tags")],
  ]),
  group("remove", [
    ...[text("path"), long("deletionTimestamp"), flag("dataChange"), flag("extendedFileMetadata")],
    ...[map("partitionValues"), long("size")],
  ]),
  group("metaData", [
    ...[text("id"), group("format", [text("provider"), map("options")]), text("schemaString")],
    ...[list("partitionColumns"), map("configuration"), long("createdTime")],
  ]),
  group("protocol", [int("minReaderVersion"), int("minWriterVersion")]),
];
const schema: SchemaElement[] = [{ name: "root", num_children: fields.length }, ...fields.flat()];

/** The bytes of a checkpoint, and how many rows it has. */
export function encodeCheckpoint({ protocol, metaData, txns, adds, removes }: TableState): {
  bytes: Uint8Array;
  rows: number;
} {
  const txnRows = Array.from(txns, ([appId, version]) => ({ txn: { appId, version: BigInt(version) } }));
  const addRows = Array.from(adds.values(), ({ size, modificationTime, ...add }) => ({
    // Data of an earlier commit is no change of this one.
    add: { ...add, dataChange: false, size: BigInt(size), modificationTime: BigInt(modificationTime) },
  }));
  const removeRows = Array.from(removes.values(), ({ deletionTimestamp, size, ...remove }) => ({
    remove: {
      ...{ ...remove, dataChange: false, deletionTimestamp: BigInt(deletionTimestamp) },
      ...(size !== undefined && { size: BigInt(size) }),
    },
  }));
  const rows: readonly Readonly<Record<string, unknown>>[] = [
    { protocol },
    { metaData: metaData && { ...metaData, createdTime: BigInt(metaData.createdTime) } },
    ...txnRows,
    ...addRows,
    ...removeRows,
  ];
  const column = (name: string) => ({ name, data: rows.map((row) => row[name] ?? null) });
  const columnData = ["txn", "add", "remove", "metaData", "protocol"].map(column);
  return {
    bytes: new Uint8Array(parquetWriteBuffer({ columnData, schema, createdBy: "payledger" })),
    rows: rows.length,
  };
}

/**
 * The state in a checkpoint. Rows are read by the same rules as lines of commits.
 * @param columns those needed; without `add`, a start does not read the entry of every file
 * @throws LedgerError store_damaged
 */
export async function decodeCheckpoint(
  path: string,
  bytes: Uint8Array,
  columns: readonly ("txn" | "add" | "remove" | "metaData" | "protocol")[],
): Promise<TableState> {
  const snapshot = emptyState();
  const rows = await parquetReadObjects({ file: new Uint8Array(bytes).buffer, columns: [...columns] }).catch(
    (error: unknown) => {
      throw new LedgerError("store_damaged", `${path} is no checkpoint: ${String(error)}`, { cause: error });
    },
  );
  for (const row of rows) {
    const given = Object.entries(row).filter(([, value]) => value !== null && value !== undefined);
    if (given.length === 0) continue;
    const line = JSON.stringify(Object.fromEntries(given), (_, value) =>
      typeof value === "bigint" ? Number(value) : value,
    );
    playActions(snapshot, decodeCommit(path, new TextEncoder().encode(line)));
  }
  return snapshot;
}
