import { DatabaseSync } from "node:sqlite";
import type { Random } from "../random.ts";

/** Damages a page of an open state file in place, below every checksum. Returns a description for the story. */
export function damagePage(db: DatabaseSync, random: Random, older: Uint8Array | undefined): string {
  const places = db.prepare("SELECT place FROM pages ORDER BY place").all();
  if (places.length === 0) return "no page is left to damage";
  const place = Number(random.pick(places).place);
  const bytes = dataAt(db, place);
  const write = (to: number, data: Uint8Array | undefined) => {
    if (data) db.prepare("UPDATE pages SET data = ? WHERE place = ?").run(data, to);
    else db.prepare("DELETE FROM pages WHERE place = ?").run(to);
  };
  switch (random.below(6)) {
    case 0:
      write(place, undefined);
      return `page ${place} is lost`;
    case 1: {
      const other = Number(random.pick(places).place);
      write(place, dataAt(db, other));
      write(other, bytes);
      return `pages ${place} and ${other} change places`;
    }
    case 2:
      write(place, bytes.subarray(0, random.below(bytes.length + 1)));
      return `page ${place} is cut short`;
    case 3:
      write(place, new Uint8Array(bytes.length));
      return `page ${place} is empty`;
    case 4: {
      const stale = older && olderData(older, place);
      if (stale) write(place, stale);
      return `page ${place} is an older one`;
    }
    default:
      for (let flips = random.between(1, 3); flips > 0; flips--) flip(bytes, random);
      write(place, bytes);
      return `bits of page ${place} are flipped`;
  }
}

/** Damages a state file at rest: a page, or raw bytes, which SQLite may or may not detect. */
export function damageBytes(
  image: Uint8Array,
  random: Random,
  older: Uint8Array | undefined,
): readonly [damaged: Uint8Array, told: string] {
  if (random.chance(0.4)) return damagedBytes(image, random);
  const db = new DatabaseSync(":memory:");
  try {
    db.deserialize(image);
    const told = damagePage(db, random, older);
    return [db.serialize(), told];
  } finally {
    db.close();
  }
}

/** Damages one of some files. */
export function damageFile(files: Map<number, Uint8Array>, file: number, random: Random): string {
  const bytes = files.get(file);
  if (!bytes || random.chance(0.2)) {
    files.delete(file);
    return `file ${file} is lost`;
  }
  const [damaged, told] = damagedBytes(bytes, random);
  files.set(file, damaged);
  return `of file ${file} ${told}`;
}

function damagedBytes(bytes: Uint8Array, random: Random): readonly [Uint8Array, string] {
  const damaged = bytes.slice();
  const sector = 512 * random.below(Math.ceil(bytes.length / 512));
  switch (random.below(4)) {
    case 0: {
      const length = random.below(bytes.length + 1);
      return [damaged.subarray(0, length), `all after ${length} bytes is lost`];
    }
    case 1:
      damaged.fill(0, sector, sector + 512);
      return [damaged, `the sector at ${sector} is empty`];
    case 2: {
      const other = 512 * random.below(Math.ceil(bytes.length / 512));
      damaged.set(bytes.subarray(other, Math.min(other + 512, other + bytes.length - sector)), sector);
      return [damaged, `the sector at ${sector} is that at ${other}`];
    }
    default:
      for (let flips = random.between(1, 3); flips > 0; flips--) flip(damaged, random);
      return [damaged, "bits are flipped"];
  }
}

function dataAt(db: DatabaseSync, place: number): Uint8Array {
  const data = db.prepare("SELECT data FROM pages WHERE place = ?").get(place)?.data;
  return data instanceof Uint8Array ? data.slice() : new Uint8Array();
}

function olderData(image: Uint8Array, place: number): Uint8Array | undefined {
  const db = new DatabaseSync(":memory:");
  db.deserialize(image);
  const data = db.prepare("SELECT data FROM pages WHERE place = ?").get(place)?.data;
  db.close();
  return data instanceof Uint8Array ? data : undefined;
}

function flip(bytes: Uint8Array, random: Random): void {
  if (bytes.length === 0) return;
  const at = random.below(bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
}
