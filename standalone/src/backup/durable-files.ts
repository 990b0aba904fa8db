import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";

const OWNER_ONLY = 0o600;

/** Writes a new file that only its owner may read, and waits until it is on disk. */
export function writeDurably(path: string, content: string | Uint8Array): void {
  const file = openSync(path, "wx", OWNER_ONLY);
  try {
    const bytes = Buffer.from(content);
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Makes a file's content, or the names in a folder, durable. */
export function sync(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
