import { LedgerError } from "ledger-core";

/*
 * The actions of a Delta log that the exporter reads or writes. Foreign commits (OPTIMIZE, a repair) may hold others,
 * which are of no concern to it.
 */

export type Protocol = { readonly minReaderVersion: number; readonly minWriterVersion: number };

export type MetaData = {
  readonly id: string;
  readonly format: { readonly provider: string; readonly options: Readonly<Record<string, string>> };
  readonly schemaString: string;
  readonly partitionColumns: readonly string[];
  readonly configuration: Readonly<Record<string, string>>;
  readonly createdTime: number;
};

/** The last revision of a shard that the table holds. */
export type Txn = { readonly appId: string; readonly version: number };

export type Add = {
  /** Relative to the table, URI-encoded. */
  readonly path: string;
  readonly partitionValues: Readonly<Record<string, string | null>>;
  readonly size: number;
  readonly modificationTime: number;
  readonly dataChange: boolean;
  /** JSON: numRecords, minValues, maxValues, nullCount. */
  readonly stats?: string;
  /** Ours has the SHA-256 of the file under CHECKSUM; files that others rewrote have none. */
  readonly tags?: Readonly<Record<string, string>>;
};

/** A file whose rows are in other files now. It stays for a while, for those who read an earlier version. */
export type Remove = {
  readonly path: string;
  readonly deletionTimestamp: number;
  readonly dataChange: boolean;
  readonly extendedFileMetadata?: boolean;
  readonly partitionValues?: Readonly<Record<string, string | null>>;
  readonly size?: number;
};

export const CHECKSUM = "payledger.sha256";

export type Action =
  | { readonly protocol: Protocol }
  | { readonly metaData: MetaData }
  | { readonly txn: Txn }
  | { readonly add: Add }
  | { readonly remove: Remove };

/** The log's own protocol: no feature that an old reader or another writer would have to know. */
export const PROTOCOL: Protocol = { minReaderVersion: 1, minWriterVersion: 2 };

/** The only format that the protocol knows. */
export const PARQUET: MetaData["format"] = { provider: "parquet", options: {} };

const LOG = "_delta_log";

export function logFolder(table: string): string {
  return `${table}/${LOG}`;
}

/** The path of a commit, whose name orders it. */
export function commitPath(table: string, version: number): string {
  return `${logFolder(table)}/${paddedVersion(version)}.json`;
}

export function paddedVersion(version: number): string {
  return String(version).padStart(20, "0");
}

/** The version in the name of a commit; undefined for another file. */
export function versionOf(name: string): number | undefined {
  const match = /^(\d{20})\.json$/.exec(name);
  return match ? Number(match[1]) : undefined;
}

/** A commit's bytes: an action a line. */
export function encodeCommit(operation: string, timestampMs: number, actions: readonly Action[]): Uint8Array {
  const info = { commitInfo: { timestamp: timestampMs, operation, engineInfo: "payledger" } };
  return new TextEncoder().encode([info, ...actions].map((action) => `${JSON.stringify(action)}\n`).join(""));
}

/** @throws LedgerError store_damaged when a line is not an action as the Delta protocol has it */
export function decodeCommit(path: string, bytes: Uint8Array): Action[] {
  const lines = new TextDecoder().decode(bytes).split("\n");
  return lines.flatMap((line, index) => {
    if (line.trim() === "") return [];
    const action = readAction(line);
    if (action === "damaged") throw new LedgerError("store_damaged", `${path}, line ${index + 1}: no Delta action`);
    return action === "foreign" ? [] : [action];
  });
}

type Json = Readonly<Record<string, unknown>>;

function readAction(line: string): Action | "foreign" | "damaged" {
  const json = parsed(line);
  if (!isObject(json)) return "damaged";
  const [kind = "", body] = Object.entries(json)[0] ?? [];
  if (!isObject(body)) return "damaged";
  const read = Object.hasOwn(readers, kind) ? readers[kind] : undefined;
  return read ? (read(body) ?? "damaged") : "foreign";
}

/** Each checks the fields that the exporter uses; undefined when one is not what it must be. */
const readers: Readonly<Record<string, (body: Json) => Action | undefined>> = {
  protocol({ minReaderVersion, minWriterVersion }) {
    if (!isCount(minReaderVersion) || !isCount(minWriterVersion)) return undefined;
    return { protocol: { minReaderVersion, minWriterVersion } };
  },
  metaData({ id, schemaString, partitionColumns, configuration, createdTime }) {
    if (typeof id !== "string" || typeof schemaString !== "string" || !isTexts(partitionColumns)) return undefined;
    const settings = isObject(configuration) ? Object.entries(configuration) : [];
    return {
      metaData: {
        ...{ id, format: PARQUET, schemaString, partitionColumns },
        configuration: Object.fromEntries(settings.map(([name, value]) => [name, String(value)])),
        createdTime: isCount(createdTime) ? createdTime : 0,
      },
    };
  },
  txn({ appId, version }) {
    return typeof appId === "string" && isCount(version) ? { txn: { appId, version } } : undefined;
  },
  add({ path, partitionValues, size, modificationTime, dataChange, stats, tags }) {
    if (typeof path !== "string" || !isCount(size) || !isObject(partitionValues)) return undefined;
    return {
      add: {
        ...{ path, size, partitionValues: valuesOf(partitionValues), dataChange: dataChange === true },
        modificationTime: isCount(modificationTime) ? modificationTime : 0,
        ...(typeof stats === "string" && { stats }),
        ...(isObject(tags) && typeof tags[CHECKSUM] === "string" && { tags: { [CHECKSUM]: tags[CHECKSUM] } }),
      },
    };
  },
  remove({ path, deletionTimestamp, dataChange, partitionValues, size }) {
    if (typeof path !== "string") return undefined;
    return {
      remove: {
        ...{ path, deletionTimestamp: isCount(deletionTimestamp) ? deletionTimestamp : 0 },
        dataChange: dataChange !== false,
        ...(isObject(partitionValues) &&
          isCount(size) && { extendedFileMetadata: true, partitionValues: valuesOf(partitionValues), size }),
      },
    };
  },
};

function valuesOf(partition: Json): Readonly<Record<string, string | null>> {
  const values = Object.entries(partition).map(([name, value]) => [name, value === null ? null : String(value)]);
  return Object.fromEntries(values);
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}
