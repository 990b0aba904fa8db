import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { newestStore } from "ledger-core/sql";

export type Target = "state" | "models";
/** The content of a target's files, by their path inside the folder. */
export type Snapshot = ReadonlyMap<string, Buffer>;

/**
 * Files that no attack touches: the log and the revoked tokens, which nothing could bring back, the folder's own files,
 * and files set aside, which are never read.
 */
const spared = /^(?:(?:events|revocations)\.sqlite|payledger\.json|server\.json|keys$)|\.damaged/;
const readModels = /^(?:models|views)(?:\.\d+)?\.sqlite/;

/**
 * The files of a target in a data folder, as paths inside it.
 * @param running leaves out SQLite's -shm: a running process has it mapped as memory, and truncating it would kill any
 * program with SIGBUS
 */
function filesOf(dir: string, target: Target, running: boolean): string[] {
  return readdirSync(dir, { recursive: true, encoding: "utf8" })
    .filter((name) => !spared.test(name.split("/")[0] ?? "") && readModels.test(name) === (target === "models"))
    .filter((name) => !(running && name.endsWith("-shm")))
    .filter((name) => statSync(join(dir, name), { throwIfNoEntry: false })?.isFile())
    .sort();
}

export function takeSnapshot(dir: string, target: Target): Snapshot {
  const names = filesOf(dir, target, true);
  const contents = names.map((name) => [name, unlessGone(() => readFileSync(join(dir, name)))] as const);
  return new Map(contents.flatMap(([name, content]) => (content === undefined ? [] : [[name, content] as const])));
}

/** A running ledger removes its own files, possibly between a listing and a read. */
function unlessGone<Result>(act: () => Result): Result | undefined {
  try {
    return act();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Replaces the current files by an earlier snapshot, and removes files that did not exist then. */
export function putSnapshot(dir: string, target: Target, snapshot: Snapshot): void {
  for (const name of filesOf(dir, target, false)) if (!snapshot.has(name)) rmSync(join(dir, name), { force: true });
  for (const [name, content] of snapshot) putFile(join(dir, name), content);
}

/** Writes in place: a process that has the file open sees the bytes. */
function putFile(path: string, content: Buffer): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content, { flag: existsSync(path) ? "r+" : "w" });
  const file = openSync(path, "r+");
  ftruncateSync(file, content.length);
  closeSync(file);
}

/** The name of a read model file in the set in use; an older set has other numbers. */
function nameNow(dir: string, name: string): string {
  const [, stem, ending = ""] = /^(models|views)(?:\.\d+)?\.sqlite(.*)$/.exec(name) ?? [];
  return stem === undefined ? name : basename(newestStore(join(dir, `${stem}.sqlite`))) + ending;
}

export type Place = {
  readonly dir: string;
  readonly target: Target;
  readonly running: boolean;
  readonly random: () => number;
  /** Earlier snapshots of the same ledger. */
  readonly snapshots: readonly Snapshot[];
};

/** Damages a target's files in one random way; returns a description. */
export function damage(place: Place): string {
  const { dir, random, running } = place;
  const files = filesOf(dir, place.target, running).filter((name) => sizeOf(dir, name) > 0);
  const kinds = Object.keys(acts);
  const kind = kinds[Math.floor(random() * kinds.length)] ?? "flip";
  if (files.length === 0) return "nothing there";
  return `${kind}: ${unlessGone(() => acts[kind]?.(place, files)) ?? "nothing"}`;
}

type Act = (place: Place, files: readonly string[]) => string;

const PAGE_SIZES = [4096, 8192] as const;

const acts: Readonly<Record<string, Act>> = {
  flip: (place, files) => flip(place, pick(place, files), 1 + below(place, 4)),
  "flip many": (place, files) => flip(place, pick(place, files), 16 + below(place, 240)),
  "flip a table's text"(place, files) {
    const name = pick(place, files);
    const content = readFileSync(join(place.dir, name));
    const found = [...content.toString("latin1").matchAll(/CREATE (TABLE|INDEX)[^\0]*/g)];
    const text = found[below(place, found.length)];
    if (!text) return `${name} has none`;
    const offset = text.index + below(place, text[0].length);
    write(place, name, offset, Buffer.of(97 + below(place, 26)));
    return `${name}@${offset}`;
  },
  "swap pages": (place, files) => {
    const name = pick(place, files);
    return swap(place, name, name);
  },
  "swap pages between files": (place, files) => swap(place, pick(place, files), pick(place, files)),
  "double a page": (place, files) => {
    const [from, to, size] = [pick(place, files), pick(place, files), pick(place, PAGE_SIZES)];
    const [source, sink] = [pageOf(place, from, size), pageOf(place, to, size)];
    write(place, to, sink, read(place, from, source, size));
    return `${from}@${source} over ${to}@${sink}`;
  },
  zeros: (place, files) => fill(place, pick(place, files), (size) => Buffer.alloc(size)),
  garbage: (place, files) =>
    fill(place, pick(place, files), (size) => Buffer.from(Array.from({ length: size }, () => below(place, 256)))),
  truncate(place, files) {
    const name = pick(place, files);
    const size = sizeOf(place.dir, name);
    const to = place.random() < 0.2 ? 0 : below(place, size);
    truncateSync(join(place.dir, name), to);
    return `${name} from ${size} to ${to}`;
  },
  "old copy of one file": (place) => {
    const snapshot = place.snapshots[below(place, place.snapshots.length)];
    const names = [...(snapshot?.keys() ?? [])].filter((name) => !(place.running && name.endsWith("-shm")));
    if (!snapshot || names.length === 0) return "none";
    const name = pick(place, names);
    putFile(join(place.dir, nameNow(place.dir, name)), snapshot.get(name) ?? Buffer.alloc(0));
    return name;
  },
  "old copy of all": (place) => {
    const snapshot = place.snapshots[below(place, place.snapshots.length)];
    if (!snapshot) return "none";
    if (!place.running) putSnapshot(place.dir, place.target, snapshot);
    else for (const [name, content] of snapshot) putFile(join(place.dir, nameNow(place.dir, name)), content);
    return [...snapshot.keys()].join(", ");
  },
  "delete one": (place, files) => {
    const name = pick(place, files);
    rmSync(join(place.dir, name), { force: true });
    return name;
  },
  "delete all": (place, files) => {
    for (const name of files) rmSync(join(place.dir, name), { force: true });
    return files.join(", ");
  },
};

function flip(place: Place, name: string, count: number): string {
  const size = sizeOf(place.dir, name);
  const offsets = Array.from({ length: count }, () => below(place, size));
  for (const offset of offsets) {
    const [byte = 0] = read(place, name, offset, 1);
    write(place, name, offset, Buffer.of(byte ^ (1 + below(place, 255))));
  }
  return `${name}@${offsets.slice(0, 4).join(",")}${count > 4 ? ` and ${count - 4} more` : ""}`;
}

function swap(place: Place, one: string, other: string): string {
  const size = pick(place, PAGE_SIZES);
  const [a, b] = [pageOf(place, one, size), pageOf(place, other, size)];
  const [ofOne, ofOther] = [read(place, one, a, size), read(place, other, b, size)];
  write(place, one, a, ofOther);
  write(place, other, b, ofOne);
  return `${one}@${a} with ${other}@${b}, ${size} bytes`;
}

function fill(place: Place, name: string, content: (size: number) => Buffer): string {
  const size = 2 ** (4 + below(place, 13));
  const offset = below(place, sizeOf(place.dir, name));
  write(place, name, offset, content(size));
  return `${name}@${offset}, ${size} bytes`;
}

/** The offset of a page; in a write-ahead log, that of the page in a frame, after the log's header and the frame's. */
function pageOf(place: Place, name: string, size: number): number {
  const [header, frame] = name.endsWith("-wal") ? [32, 24] : [0, 0];
  const count = Math.max(1, Math.floor((sizeOf(place.dir, name) - header) / (size + frame)));
  return header + below(place, count) * (size + frame) + frame;
}

function read(place: Place, name: string, offset: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  const length = withFile(place, name, (file) => readSync(file, bytes, 0, size, offset));
  return bytes.subarray(0, length);
}

function write(place: Place, name: string, offset: number, bytes: Buffer): void {
  withFile(place, name, (file) => writeSync(file, bytes, 0, bytes.length, offset));
}

/** A file that vanished meanwhile is skipped. */
function withFile(place: Place, name: string, act: (file: number) => number): number {
  if (!existsSync(join(place.dir, name))) return 0;
  const file = openSync(join(place.dir, name), "r+");
  try {
    return act(file);
  } finally {
    closeSync(file);
  }
}

function sizeOf(dir: string, name: string): number {
  return statSync(join(dir, name), { throwIfNoEntry: false })?.size ?? 0;
}

function below(place: Place, bound: number): number {
  return Math.floor(place.random() * Math.max(1, bound));
}

function pick<T>(place: Place, items: readonly T[]): T {
  const item = items[below(place, items.length)];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
}
