import { DatabaseSync } from "node:sqlite";
import { type KeyFiles, type StateFile, stateFileOn, storageOn } from "command-service";
import { idBody, LedgerError, makeId } from "ledger-core";
import type { Faults } from "./faults.ts";
import type { Random } from "./random.ts";
import type { Settings } from "./settings.ts";

/** A writer's local disk: its state file, and the files of keys that it lists, as the images that were there after each flush. */
export type StateDisk = {
  /** @param later runs a task of the process that opens it */
  open(later: (task: () => void) => void): StateFile;
  discard(): void;
  /** The process died: a flush under way is gone, and what was not fsync'd may be gone too. */
  crash(): void;
};

/** How many flushes may be lost at once, since none of them is fsync'd. */
const IMAGES_MAX = 4;

export type StateDiskOptions = {
  readonly random: Random;
  readonly faults: Faults;
  readonly settings: Settings;
  readonly note: (what: string) => void;
};

export function makeStateDisk({ random, faults, settings, note }: StateDiskOptions): StateDisk {
  let images: Image[] = [];
  /** Files of keys by their numbers. What a process that died left there stays. */
  let keys = new Map<number, Uint8Array>();
  let open: DatabaseSync | undefined;

  return {
    open(later) {
      const db = new DatabaseSync(":memory:");
      const image = images.at(-1);
      if (image) db.deserialize(image.database);
      keys = new Map([...keys, ...(image?.keys ?? [])]);
      const own = keys;
      open = db;
      const file = stateFileOn(db, settings.disk, hashKey(random));
      return {
        ...file,
        keyStorage: storageOn(filesIn(own), later),
        commit(stand, keysManifest) {
          file.commit(stand, keysManifest);
          if (open !== db) return;
          images.push({ database: db.serialize(), keys: new Map(own) });
          if (images.length > IMAGES_MAX) images.shift();
        },
        close() {
          if (open === db) open = undefined;
          return file.close();
        },
      };
    },
    discard() {
      images = [];
    },
    crash() {
      open?.close();
      open = undefined;
      if (faults.strikes("lost_state_file", 0.1)) {
        images = [];
        note("state file is deleted");
      } else if (faults.strikes("foreign_state_file", 0.1)) {
        images = [{ database: foreignImage(random.below(30)), keys: new Map() }];
        note("state file is another ledger's");
      } else if (images.length > 1 && faults.strikes("old_state_file", 0.7)) {
        images = images.slice(0, random.between(1, images.length - 1));
        note("state file is an older one");
      }
    },
  };
}

type Image = { readonly database: Uint8Array; readonly keys: ReadonlyMap<number, Uint8Array> };

function filesIn(kept: Map<number, Uint8Array>): KeyFiles {
  return {
    list: () => [...kept].map(([file, { length }]) => ({ file, bytes: length })),
    read(file, at, bytes) {
      const found = kept.get(file);
      if (!found || found.length < at + bytes) throw new LedgerError("state_corrupt", `the file ${file} is too short`);
      return found.slice(at, at + bytes);
    },
    write: (file, bytes) => void kept.set(file, bytes),
    remove: (file) => void kept.delete(file),
  };
}

function hashKey(random: Random): Uint8Array {
  return Uint8Array.from({ length: 16 }, () => random.below(256));
}

/** A sound state file that stands at an event of a log which is not ours. */
function foreignImage(revision: number): Uint8Array {
  const db = new DatabaseSync(":memory:");
  const file = stateFileOn(db, undefined, new Uint8Array(16));
  const at = 1_600_000_000_000_000;
  file.begin();
  file.commit({ revision, event: makeId("evt", idBody(at, { shard: 0, revision }, 1)), at, epoch: 1 });
  const image = db.serialize();
  file.close();
  return image;
}
