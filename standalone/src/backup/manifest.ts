import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Revision, Shard } from "ledger-core";

/** Why a backup is refused; `place` is the file, or the position in the log, at which it is damaged. */
export class BackupFault extends Error {
  readonly place: string;
  constructor(place: string, what: string, cause?: unknown) {
    super(`${place}: ${what}`, { cause });
    this.name = "BackupFault";
    this.place = place;
  }
}

/** How far a shard of the backup goes, and the root of the tree over its leaves. */
export type ShardDigest = { readonly shard: Shard; readonly head: Revision; readonly root: string };
export type FileDigest = { readonly bytes: number; readonly sha256: string };

/** The contents of a backup. It is written last: a folder without one is an interrupted backup. */
export type BackupManifest = {
  readonly created: string;
  readonly shards: readonly ShardDigest[];
  /** All files but the log, whose leaves say more than a digest. */
  readonly files: Readonly<Record<string, FileDigest>>;
};

export const MANIFEST = "backup.json";
export const EVENTS = "events.sqlite";
export const REVOCATIONS = "revocations.jsonl";
/** Files that are kept as they are, named as in the data folder. */
export const KEPT_FILES = [
  "payledger.json",
  "keys/token-signing.jwk.json",
  "keys/cursor.key",
  "keys/export.key",
] as const;
/** The layout of a backup. A newer number is refused. */
const FORMAT = 1;

export function digestOf(content: Uint8Array): FileDigest {
  return { bytes: content.length, sha256: hash("sha256", content) };
}

/** The manifest's text; its last member is the digest of the others. */
export function formatManifest({ created, shards, files }: BackupManifest): string {
  const body = { format: FORMAT, created, shards, files };
  return `${JSON.stringify({ ...body, sha256: hash("sha256", JSON.stringify(body)) })}\n`;
}

/** @throws BackupFault if the backup was interrupted, is of a newer format, or its manifest is damaged */
export function readManifest(folder: string): BackupManifest {
  const path = join(folder, MANIFEST);
  const { sha256, ...body } = Object(parse(path));
  if (sha256 !== hash("sha256", JSON.stringify(body))) throw new BackupFault(path, "its bytes do not match its digest");
  const { format, created, shards, files } = body;
  if (format !== FORMAT) throw new BackupFault(path, `it has format ${format}, and this version knows ${FORMAT}`);
  return { created, shards, files };
}

function parse(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new BackupFault(path, "there is none: the backup was interrupted, or this folder is no backup", cause);
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new BackupFault(path, "it is damaged: it cannot be parsed", cause);
  }
}
