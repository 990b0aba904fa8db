import { stateUnavailable, translateStateFault } from "../state-faults.ts";
import { doKeyWork, type KeyFiles, type KeyWork, type WrittenPart } from "./key-work.ts";

/** Stores the files of keys, and works on them on another thread. Errors: `state_corrupt`, `state_unavailable`. */
export type KeyStorage = {
  /** The existing files. */
  list(): { readonly file: number; readonly bytes: number }[];
  /** Reads `bytes` bytes of a file from `at` on. */
  read(file: number, at: number, bytes: number): Promise<Uint8Array>;
  /** Runs work in the order of the calls, one at a time. */
  run(work: KeyWork): Promise<readonly WrittenPart[]>;
  /** Resolves when nothing runs any more; work under way may finish first. */
  close(): Promise<void>;
};

/** Does the work on this thread, in tasks: for tests, and for the simulator, whose files are in memory. */
export function storageOn(files: KeyFiles, later: (task: () => void) => void): KeyStorage {
  let open = true;
  let lastWork: Promise<unknown> = Promise.resolve();
  function soon<T>(work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      later(() => {
        if (!open) return reject(stateUnavailable("the files of keys are closed"));
        try {
          resolve(work());
        } catch (error) {
          reject(translateStateFault(error));
        }
      });
    });
  }
  return {
    list: () => files.list(),
    read: (file, at, bytes) => soon(() => files.read(file, at, bytes)),
    run(work) {
      // In the order of the calls, not of the tasks.
      const done = lastWork.then(() => soon(() => doKeyWork(files, work)));
      lastWork = done.catch(() => {});
      return done;
    },
    async close() {
      open = false;
    },
  };
}
