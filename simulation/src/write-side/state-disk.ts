import { DatabaseSync } from "node:sqlite";
import { type KeyFiles, type StateFile, stateFileOn, storageOn } from "command-service";
import { idBody, LedgerError, makeId } from "ledger-core";
import type { Faults } from "../faults.ts";
import type { Random } from "../random.ts";
import type { Settings } from "../settings.ts";
import { type DiskError, diskErrors, FaultyDatabase, type Trouble } from "./faulty-database.ts";
import { damageBytes, damageFile, damagePage } from "./state-damage.ts";

/** Condition of a disk: `full` refuses writes, `failing` sometimes returns errors, `slow` delays. */
export type DiskCondition = "sound" | "full" | "failing" | "slow";

/** A writer's local disk: the state file and its key files, saved as an image after each flush. */
export type StateDisk = {
  condition: DiskCondition;
  /** Whether written data may have been damaged, or may have appeared so; only then may the writer discard it. */
  readonly hurt: boolean;
  /** @param later runs a task in the process that opens the file */
  open(later: (task: () => void) => void): StateFile;
  /** @throws state_unavailable */
  discard(): void;
  /** The process died: a flush in progress is lost, and data without an fsync may be lost too. */
  crash(): void;
  /** Damages a page of the state file, or a key file, while it is in use. */
  damage(): void;
};

/** How many flushes a crash may lose, since none is fsync'd. */
const IMAGES_MAX = 4;
/** The share of key file reads that take a step of their own. */
const READ_STEPS = 0.05;

type StateDiskOptions = {
  readonly random: Random;
  readonly faults: Faults;
  readonly settings: Settings;
  readonly note: (what: string) => void;
};

type Image = { readonly database: Uint8Array; readonly keys: ReadonlyMap<number, Uint8Array> };

export function makeStateDisk({ random, faults, settings, note }: StateDiskOptions): StateDisk {
  let images: Image[] = [];
  /** Key files by number. They survive a process that dies. */
  let keys = new Map<number, Uint8Array>();
  let open: DatabaseSync | undefined;
  const chance = random.stream("trouble");
  let hurt = false;

  function trouble(access: "read" | "write"): DiskError | undefined {
    if (disk.condition === "full") return access === "write" ? diskErrors.full : undefined;
    if (disk.condition !== "failing" || !chance.chance(0.2)) return undefined;
    hurt = true;
    return access === "write" ? diskErrors.writeFailed : chance.pick([diskErrors.readFailed, diskErrors.shortRead]);
  }

  const failing = { trouble, losesTransaction: () => chance.chance(0.5) };

  const disk: StateDisk = {
    condition: "sound",
    get hurt() {
      return hurt;
    },
    open(later) {
      const db = new FaultyDatabase(failing);
      const image = images.at(-1);
      open = db;
      if (image) load(db, image.database);
      keys = new Map([...keys, ...(image?.keys ?? [])]);
      const own = keys;
      const file = stateFileOn(db, settings.disk, hashKey(random));
      return {
        ...file,
        keyStorage: storageOn(filesIn(own, asFileError(trouble)), mostlyAtOnce(later, chance)),
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
      if (disk.condition === "failing" && chance.chance(0.3)) {
        throw new LedgerError("state_unavailable", "the disk fails (EIO)", { retryable: true });
      }
      images = [];
    },
    crash() {
      if (open?.isOpen) open.close();
      open = undefined;
      const left = afterCrash(images, chance, { random, faults, note });
      images = [...left.images];
      if (left.hurt) hurt = true;
      if (left.keys) keys = new Map(left.keys);
    },
    damage() {
      if (!open?.isOpen || open.isTransaction || disk.condition !== "sound") return;
      hurt = true;
      const [file] = keys.size > 0 && chance.chance(0.4) ? chance.pick([...keys]) : [];
      const told = file === undefined ? damagePage(open, chance, images[0]?.database) : damageFile(keys, file, chance);
      note(`state file is damaged in use: ${told}`);
    },
  };
  return disk;
}

/** Reports the disk's trouble as the file system would. */
function asFileError(trouble: Trouble): (access: "read" | "write") => void {
  return (access) => {
    const error = trouble(access);
    if (error) throw Object.assign(new Error(error.message), { code: error === diskErrors.full ? "ENOSPC" : "EIO" });
  };
}

/** The disk after a crash: unchanged, empty, or with a foreign, damaged or older file. */
function afterCrash(
  images: readonly Image[],
  chance: Random,
  { random, faults, note }: Pick<StateDiskOptions, "random" | "faults" | "note">,
): { readonly images: readonly Image[]; readonly hurt?: true; readonly keys?: Image["keys"] } {
  const image = images.at(-1);
  if (faults.strikes("lost_state_file", 0.1)) {
    note("state file is deleted");
    return { images: [] };
  }
  if (faults.strikes("foreign_state_file", 0.1)) {
    const foreign = { database: foreignImage(random.below(30)), keys: new Map() };
    note("state file is another ledger's");
    return { images: [foreign], hurt: true };
  }
  if (image && faults.strikes("damaged_state_file", 0.3)) {
    const damaged = damageAtRest(image, images[0]?.database, chance, note);
    return { images: [damaged], hurt: true, keys: damaged.keys };
  }
  if (images.length > 1 && faults.strikes("old_state_file", 0.7)) {
    note("state file is an older one");
    return { images: images.slice(0, random.between(1, images.length - 1)) };
  }
  return { images };
}

/** Damages a file at rest before a start: the state file or a key file. */
function damageAtRest(
  { database, keys: files }: Image,
  oldest: Uint8Array | undefined,
  chance: Random,
  note: (what: string) => void,
): Image {
  const damaged = new Map(files);
  const [file] = files.size > 0 && chance.chance(0.4) ? chance.pick([...files]) : [];
  if (file === undefined) {
    const [bytes, told] = damageBytes(database, chance, oldest);
    note(`state file is damaged: ${told}`);
    return { database: bytes, keys: files };
  }
  note(`a file of keys is damaged: ${damageFile(damaged, file, chance)}`);
  return { database, keys: damaged };
}

/** Most reads finish within the step that asked for them; a step per read would take most of a world's time. */
function mostlyAtOnce(later: (task: () => void) => void, chance: Random): (task: () => void) => void {
  return (task) => (chance.chance(READ_STEPS) ? later(task) : queueMicrotask(task));
}

/** An image that SQLite does not accept as a database counts as damaged. */
function load(db: DatabaseSync, image: Uint8Array): void {
  try {
    db.deserialize(image);
  } catch (error) {
    throw new LedgerError("state_corrupt", "the state file is no database", { cause: error });
  }
}

function filesIn(kept: Map<number, Uint8Array>, trouble: (access: "read" | "write") => void): KeyFiles {
  return {
    list: () => [...kept].map(([file, { length }]) => ({ file, bytes: length })),
    read(file, at, bytes) {
      trouble("read");
      const found = kept.get(file);
      if (!found || found.length < at + bytes) throw new LedgerError("state_corrupt", `the file ${file} is too short`);
      return found.slice(at, at + bytes);
    },
    write(file, bytes) {
      trouble("write");
      kept.set(file, bytes);
    },
    remove(file) {
      trouble("write");
      kept.delete(file);
    },
  };
}

function hashKey(random: Random): Uint8Array {
  return Uint8Array.from({ length: 16 }, () => random.below(256));
}

/** A sound state file that belongs to another ledger's log. */
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
