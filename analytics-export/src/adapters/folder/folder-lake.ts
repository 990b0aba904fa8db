import { link, mkdir, open, readdir, readFile, rm, stat } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { LedgerError } from "ledger-core";
import type { FileContent, Lake, LakeFile } from "../../ports/lake.ts";

/** Files under construction; no reader of a table looks at names with a leading underscore. */
const UNFINISHED = "_unfinished";

/**
 * A lake in a local folder. A file is written under a name of its own, flushed, and linked to its path: the link
 * appears whole or not at all, and fails if the path is taken.
 * @param uniqueName a name that no other process uses
 */
export function folderLake(root: string, uniqueName: () => string): Lake {
  const flushed = new Set<string>();

  /** Makes a folder and its parents durable, once. */
  async function makeFolder(folder: string): Promise<void> {
    if (flushed.has(folder)) return;
    if (folder !== dirname(folder) && folder !== root) await makeFolder(dirname(folder));
    // Of a read-only folder, a recursive one says that something in it does not exist.
    if (folder === root) await mkdir(folder, { recursive: true });
    else await mkdir(folder).catch(unlessItExists);
    await flushFolder(dirname(folder));
    flushed.add(folder);
  }

  return {
    create: translated("write", async (path, content: FileContent) => {
      const target = join(root, path);
      const unfinished = join(root, UNFINISHED, uniqueName());
      await makeFolder(dirname(target));
      await makeFolder(dirname(unfinished));
      try {
        await writeFlushed(unfinished, content);
        const created = await linkNew(unfinished, target);
        if (created) await flushFolder(dirname(target));
        return created;
      } catch (error) {
        // Someone has removed a folder: the next attempt makes it again.
        if (codeOf(error) === "ENOENT") flushed.clear();
        throw error;
      } finally {
        await rm(unfinished, { force: true });
      }
    }),
    read: translated("read", async (path) => absentIsUndefined(readFile(join(root, path)))),
    readPart: translated("read", async (path, from: number, to: number) =>
      absentIsUndefined(readPart(join(root, path), from, to)),
    ),
    names: translated("list", async (folder, after: string) => {
      const names = await absentIsUndefined(readdir(join(root, folder)));
      return (names ?? []).filter((name) => name > after).sort();
    }),
    files: (folder) => filesUnder(root, folder),
    remove: translated("remove", async (path) => rm(join(root, path), { force: true })),
  };
}

async function writeFlushed(file: string, content: FileContent): Promise<void> {
  const handle = await open(file, "wx");
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function readPart(file: string, from: number, to: number): Promise<Uint8Array> {
  const handle = await open(file, "r");
  try {
    const bytes = new Uint8Array(Math.max(0, to - from));
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await handle.read(bytes, length, bytes.length - length, from + length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return bytes.subarray(0, length);
  } finally {
    await handle.close();
  }
}

/** False if the target exists. */
async function linkNew(from: string, target: string): Promise<boolean> {
  try {
    await link(from, target);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

function unlessItExists(error: unknown): void {
  if (codeOf(error) !== "EEXIST") throw error;
}

/** Makes names in a folder survive a power cut. */
async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function* filesUnder(root: string, folder: string): AsyncGenerator<LakeFile> {
  const entries = await fault("list", folder, () =>
    absentIsUndefined(readdir(join(root, folder), { withFileTypes: true })),
  );
  for (const entry of entries ?? []) {
    const path = posix.join(folder, entry.name);
    if (entry.isDirectory()) yield* filesUnder(root, path);
    else {
      const found = await fault("list", path, () => absentIsUndefined(stat(join(root, path))));
      if (found) yield { path, size: found.size, modifiedMs: found.mtimeMs };
    }
  }
}

async function absentIsUndefined<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** A method of the lake whose errors are the port's. */
function translated<Rest extends unknown[], Result>(
  verb: string,
  method: (path: string, ...rest: Rest) => Promise<Result>,
): (path: string, ...rest: Rest) => Promise<Result> {
  return (path, ...rest) => fault(verb, path, () => method(path, ...rest));
}

async function fault<Result>(verb: string, path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new LedgerError("store_unavailable", `the lake cannot ${verb} ${path}: ${why}`, { cause: error });
  }
}

/** The code of a system error, such as ENOSPC; undefined for any other error. */
function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && "syscall" in error ? String(error.code) : undefined;
}
