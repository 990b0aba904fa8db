import type { EventId, Micros, Revision } from "ledger-core";
import { type DirectoryRoot, type DirectoryRoots, forEachKind, pageChecksum } from "./pages.ts";
import { stateCorrupt } from "./state-faults.ts";

/** The last event in the state: its revision, id and time, and the writer's epoch. */
export type Stand = {
  readonly revision: Revision;
  readonly event: EventId | null;
  readonly at: Micros;
  readonly epoch: number;
};

/** The page layout of a file, fixed when it is created. */
export type StateLayout = {
  /** Default 250, whose standings fill a page of 8 KB; 1 to 10,000. */
  readonly accountsPerPage: number;
  /** Default 512, a page of 12 KB if every payment is authorized and then captured; 1 to 65,536. */
  readonly revisionsPerPage: number;
  /** Pages per chunk of the directory. Default 512: 6 KB; 1 to 65,536. */
  readonly pagesPerChunk: number;
  /** Kinds of accounts, or clearing accounts, per page. Default 64; 1 to 10,000. */
  readonly valuesPerPage: number;
};

/** The page from which everything else in the file is verified. */
export type StateRoot = {
  readonly stand: Stand;
  readonly layout: StateLayout;
  /** The secret under which idempotency keys are hashed, in hexadecimal. */
  readonly hashKey: string;
  /** The key store's list of its files; opaque here. */
  readonly keys: string | null;
  readonly directories: DirectoryRoots;
};

const SUM_BYTES = 4;

export function encodeRoot(root: StateRoot): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(root));
  const bytes = new Uint8Array(SUM_BYTES + text.length);
  bytes.set(text, SUM_BYTES);
  new DataView(bytes.buffer).setUint32(0, pageChecksum(0, 0, text));
  return bytes;
}

/** @throws state_corrupt */
export function decodeRoot(bytes: Uint8Array): StateRoot {
  const text = bytes.subarray(SUM_BYTES);
  const sum = bytes.length < SUM_BYTES ? 0 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  if (sum !== pageChecksum(0, 0, text)) throw stateCorrupt("the root does not match its checksum");
  try {
    return readRoot(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(text)));
  } catch (error) {
    throw stateCorrupt("the root cannot be read", error);
  }
}

function readRoot(json: unknown): StateRoot {
  const { stand, layout, hashKey, keys, directories } = members(json);
  const { revision, event, at, epoch } = members(stand);
  const { accountsPerPage, revisionsPerPage, pagesPerChunk, valuesPerPage } = members(layout);
  if (keys !== null && typeof keys !== "string") throw new TypeError("keys");
  if (typeof hashKey !== "string") throw new TypeError("hashKey");
  const roots = members(directories);
  return {
    stand: {
      revision: integer(revision, -1),
      event: event === null ? null : (String(event) as EventId),
      at: integer(at, Number.MIN_SAFE_INTEGER),
      epoch: integer(epoch, 0),
    },
    layout: {
      accountsPerPage: integer(accountsPerPage, 1),
      revisionsPerPage: integer(revisionsPerPage, 1),
      pagesPerChunk: integer(pagesPerChunk, 1),
      valuesPerPage: integer(valuesPerPage, 1),
    },
    hashKey,
    keys,
    directories: forEachKind((kind) => readDirectory(roots[kind])),
  };
}

function readDirectory(json: unknown): DirectoryRoot {
  const { count, chunks } = members(json);
  if (!Array.isArray(chunks)) throw new TypeError("chunks");
  return { count: integer(count, 0), chunks: chunks.map((sum) => integer(sum, 0)) };
}

function members(json: unknown): Record<string, unknown> {
  if (typeof json !== "object" || json === null) throw new TypeError("not an object");
  return json as Record<string, unknown>;
}

function integer(json: unknown, least: number): number {
  if (typeof json !== "number" || !Number.isSafeInteger(json) || json < least) throw new TypeError("not an integer");
  return json;
}
