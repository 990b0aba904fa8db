import {
  close,
  closeSync,
  fdatasyncSync,
  fsyncSync,
  mkdirSync,
  open,
  openSync,
  read,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { basename, join } from "node:path";
import { Worker } from "node:worker_threads";
import { LedgerError } from "ledger-core";
import { stateCorrupt, stateUnavailable, translateStateFault } from "../state-faults.ts";
import type { KeyStorage } from "./key-storage.ts";
import type { KeyFiles, KeyReply, KeyRequest, KeyWork, WrittenPart } from "./key-work.ts";
import { fileOf, nameOf } from "./part-format.ts";

/** The files of a folder, for the thread that works on them. */
export function diskFiles(folder: string): KeyFiles {
  return {
    list() {
      return readdirSync(folder).flatMap((name) => {
        const file = fileOf(name);
        return file === undefined ? [] : [{ file, bytes: statSync(join(folder, name)).size }];
      });
    },
    read(file, at, bytes) {
      const fd = openThere(join(folder, nameOf(file)));
      try {
        const into = new Uint8Array(bytes);
        for (let done = 0; done < bytes; ) {
          const got = readSync(fd, into, done, bytes - done, at + done);
          if (got === 0) throw stateCorrupt(`${nameOf(file)} ends too early`);
          done += got;
        }
        return into;
      } finally {
        closeSync(fd);
      }
    },
    write(file, bytes) {
      const path = join(folder, nameOf(file));
      try {
        const fd = openSync(path, "w");
        try {
          for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
          fdatasyncSync(fd);
        } finally {
          closeSync(fd);
        }
        syncFolder(folder);
      } catch (error) {
        attempt(() => rmSync(path, { force: true }));
        throw error;
      }
    },
    remove: (file) => rmSync(join(folder, nameOf(file)), { force: true }),
  };
}

function openThere(path: string): number {
  try {
    return openSync(path, "r");
  } catch (error) {
    throw missing(error) ? stateCorrupt(`${basename(path)} is missing`, error) : error;
  }
}

/** Ignores a failure: a leftover file is removed when the files are opened again. */
function attempt(work: () => void): void {
  try {
    work();
  } catch {}
}

/** Translates any error of the operating system into an operating error. */
export function keyFault(error: unknown): unknown {
  const fault = translateStateFault(error);
  if (fault instanceof LedgerError || !(fault instanceof Error) || !("syscall" in fault)) return fault;
  return stateUnavailable(`the disk fails (${fault.message})`, fault);
}

function onDisk<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw keyFault(error);
  }
}

function missing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

function syncFolder(folder: string): void {
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Opens the files of a folder, which is created if missing. Its thread starts with the first work. Closing lets the
 * thread finish: Node may crash when a busy thread is terminated.
 */
export function openDiskStorage(folder: string): KeyStorage {
  onDisk(() => mkdirSync(folder, { recursive: true }));
  const files = diskFiles(folder);
  const reader = openReader(folder);
  const thread = openThread(folder);
  return {
    list: () => onDisk(() => files.list()),
    read: reader.read,
    run(work) {
      if (work.kind === "remove") reader.forget(work.files);
      return thread.run(work);
    },
    async close() {
      await thread.close();
      reader.forget();
    },
  };
}

type Reader = Pick<KeyStorage, "read"> & { forget(files?: readonly number[]): void };

/** Reads in Node's thread pool. Files stay open: there is about one per million keys. */
function openReader(folder: string): Reader {
  const opened = new Map<number, Promise<number>>();
  function descriptor(file: number): Promise<number> {
    const known = opened.get(file);
    if (known) return known;
    const fd = new Promise<number>((resolve, reject) => {
      open(join(folder, nameOf(file)), "r", (error, found) => {
        if (!error) return resolve(found);
        opened.delete(file);
        reject(missing(error) ? stateCorrupt(`${nameOf(file)} is missing`, error) : keyFault(error));
      });
    });
    opened.set(file, fd);
    return fd;
  }

  return {
    async read(file, at, bytes) {
      const fd = await descriptor(file);
      return readWhole(fd, file, at, new Uint8Array(bytes));
    },
    forget(files = [...opened.keys()]) {
      for (const file of files) {
        void opened.get(file)?.then(
          (fd) => close(fd, () => {}),
          () => {},
        );
        opened.delete(file);
      }
    },
  };
}

function readWhole(fd: number, file: number, at: number, into: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const next = (done: number) => {
      if (done === into.length) return resolve(into);
      read(fd, into, done, into.length - done, at + done, (error, got) => {
        if (error) return reject(keyFault(error));
        if (got === 0) return reject(stateCorrupt(`${nameOf(file)} ends too early`));
        next(done + got);
      });
    };
    next(0);
  });
}

type Thread = Pick<KeyStorage, "run" | "close">;

function openThread(folder: string): Thread {
  const waiting: { resolve(parts: readonly WrittenPart[]): void; reject(error: unknown): void }[] = [];
  let worker: Worker | undefined;
  let ended: Promise<void> | undefined;
  let closed = false;

  function start(): Worker {
    const started = new Worker(new URL("./key-thread.ts", import.meta.url), { workerData: { folder } });
    started.unref();
    started.on("message", (reply: KeyReply) => {
      const first = waiting.shift();
      if (waiting.length === 0) started.unref();
      if ("parts" in reply) first?.resolve(reply.parts);
      else first?.reject(new LedgerError(reply.code, reply.message, { retryable: reply.retryable }));
    });
    started.on("error", (error) => failAll(error));
    ended = new Promise((resolve) => {
      started.on("exit", () => {
        failAll(stateUnavailable("the thread of keys has ended"));
        resolve();
      });
    });
    return started;
  }

  function failAll(error: unknown): void {
    for (const { reject } of waiting.splice(0)) reject(error);
  }

  return {
    run(work: KeyWork) {
      if (closed) return Promise.reject(stateUnavailable("the files of keys are closed"));
      worker ??= start();
      // Keep the process alive while work is under way.
      worker.ref();
      const request: KeyRequest = work;
      worker.postMessage(request);
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
    async close() {
      if (worker && !closed) {
        worker.ref();
        const request: KeyRequest = { kind: "close" };
        worker.postMessage(request);
      }
      closed = true;
      await ended;
    },
  };
}
