import { DatabaseSync } from "node:sqlite";
import { type StateFile, stateFileOn } from "command-service";
import { idBody, makeId } from "ledger-core";
import type { Faults } from "./faults.ts";
import type { Random } from "./random.ts";
import type { Settings } from "./settings.ts";

/** A writer's local disk: its state file as the images that were there after each flush. */
export type StateDisk = {
  open(): StateFile;
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
  let images: Uint8Array[] = [];
  let open: DatabaseSync | undefined;

  return {
    open() {
      const db = new DatabaseSync(":memory:");
      const image = images.at(-1);
      if (image) db.deserialize(image);
      open = db;
      const file = stateFileOn(db, settings.disk, hashKey(random));
      return {
        ...file,
        commit(stand, keysManifest) {
          file.commit(stand, keysManifest);
          if (open !== db) return;
          images.push(db.serialize());
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
        images = [foreignImage(random.below(30))];
        note("state file is another ledger's");
      } else if (images.length > 1 && faults.strikes("old_state_file", 0.7)) {
        images = images.slice(0, random.between(1, images.length - 1));
        note("state file is an older one");
      }
    },
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
