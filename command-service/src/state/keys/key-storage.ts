import { stateUnavailable, translateStateFault } from "../state-faults.ts";
import { doKeyWork, type KeyFiles, type KeyWork, type WrittenPart } from "./key-work.ts";

/**
 * Where the files of keys are, and who works on them beside the answering thread. Errors are `state_corrupt` or
 * `state_unavailable`.
 */
export type KeyStorage = {
  /** What is there when it is opened. */
  list(): { readonly file: number; readonly bytes: number }[];
  /** So many bytes of a file, from a place on. */
  read(file: number, at: number, bytes: number): Promise<Uint8Array>;
  /** Work is done one after another, in the order of the calls. */
  run(work: KeyWork): Promise<readonly WrittenPart[]>;
  /** Settles when nothing is done any more: what is under way may be finished first. */
  close(): Promise<void>;
};

/** Does the work in this thread, a task each: for tests, and for the simulator, whose files are in memory. */
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
      // In the order of the calls, whatever the order of the tasks.
      const done = lastWork.then(() => soon(() => doKeyWork(files, work)));
      lastWork = done.catch(() => {});
      return done;
    },
    async close() {
      open = false;
    },
  };
}
