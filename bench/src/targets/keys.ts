import { statfsSync } from "node:fs";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setImmediate as turn } from "node:timers/promises";
import { type KeyStorage, KnownKeys, openDiskStorage, unknownPlace } from "command-service";
import type { Keys } from "../options.ts";

const BATCH = 1000;
const FLUSH_AT = 131_072;
const SAMPLE = 200_000;
/** Bytes read per look-up on disk. */
const BLOCK_BYTES = 4096;

type Store = { keys: KnownKeys; manifest: string | null; flushing: Promise<void> | undefined };
type Counted = KeyStorage & { reads: number };

/**
 * Fills the key store directly, as an otherwise idle writer would, and prints the cost after every tenth and in total.
 * Takes about 19 bytes per key on the folder's disk, plus those of 1 million keys while it merges.
 */
export async function measureKeys(folder: string, { keys: total, filterMib }: Keys): Promise<void> {
  const path = join(folder, "keys");
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize < total * 25) throw new Error(`${folder} has no room for ${total} keys`);
  const options = { filterBytes: filterMib * 2 ** 20 };
  const storage = counted(openDiskStorage(path));
  const store: Store = {
    keys: new KnownKeys({ ...options, storage, hashKey: new Uint8Array(16), manifest: null }),
    manifest: null,
    flushing: undefined,
  };
  const pauses = monitorEventLoopDelay({ resolution: 1 });
  pauses.enable();
  const began = performance.now();
  const before = process.cpuUsage();
  for (let n = 0; n < total; ) {
    for (const end = Math.min(total, n + BATCH); n < end; n++) store.keys.add("tenant", "subject", keyOf(n), n);
    await flushWhereDue(store);
    await turn();
    if (n % Math.ceil(total / 10) < BATCH)
      tell({ filled: n, ...(await newKeys(store, storage, 20_000)), ...sizes(store) });
  }
  const seconds = (performance.now() - began) / 1000;
  await store.flushing;
  // The second commit releases the files merged after the first.
  for (let commit = 0; commit < 2; commit++) {
    await flush(store);
    await store.keys.onDisk.settled();
  }
  await storage.run({ kind: "remove", files: [] });
  const { user, system } = process.cpuUsage(before);
  const bytes = storage.list().reduce((sum, file) => sum + file.bytes, 0);
  tell({
    keys: total,
    perSecond: Math.round(total / seconds),
    cpuUsPerKey: rounded((user + system) / total),
    longestPauseMs: rounded(pauses.max / 1e6),
    p999PauseMs: rounded(pauses.percentile(99.9) / 1e6),
    bytesPerKey: rounded(bytes / total),
    manifestBytes: store.manifest?.length,
    ...sizes(store),
  });
  tell({ newKeys: await newKeys(store, storage, SAMPLE), oldKeys: await oldKeys(store, storage, total) });
  await storage.close();
  await reopen(path, store.manifest, options, total);
}

function keyOf(n: number): string {
  return `key-${n}`;
}

async function flushWhereDue(store: Store): Promise<void> {
  if (store.keys.tailSize < FLUSH_AT) return;
  if (store.flushing && store.keys.tailSize >= 2 * FLUSH_AT) await store.flushing;
  store.flushing ??= flush(store).finally(() => (store.flushing = undefined));
}

async function flush(store: Store): Promise<void> {
  await store.keys.write();
  store.manifest = store.keys.record();
  store.keys.settle();
}

/** Looks up unused keys in batches: how many per second, and blocks read per key. */
async function newKeys({ keys }: Store, storage: Counted, count: number) {
  const before = storage.reads;
  const began = performance.now();
  for (let n = 0; n < count; n += BATCH) await answer(keys, (i) => `new-${n + i}`, []);
  const seconds = (performance.now() - began) / 1000;
  return { perSecond: Math.round(count / seconds), readsPerKey: (storage.reads - before) / count };
}

async function oldKeys({ keys }: Store, storage: Counted, total: number) {
  const count = Math.min(total, SAMPLE);
  const before = storage.reads;
  const began = performance.now();
  for (let n = 0; n < count; n += BATCH) {
    const picked = Array.from({ length: BATCH }, (_, i) => Math.imul(n + i, 0x9e3779b1) >>> 0).map((x) => x % total);
    await answer(keys, (i) => keyOf(picked[i] ?? 0), picked);
  }
  const seconds = (performance.now() - began) / 1000;
  return { perSecond: Math.round(count / seconds), readsPerKey: (storage.reads - before) / count };
}

/** Looks up a batch as the writer does. @param expected revisions, in order; none for new keys */
async function answer(keys: KnownKeys, key: (i: number) => string, expected: readonly number[]): Promise<void> {
  const places = Array.from({ length: BATCH }, unknownPlace);
  for (;;) {
    const toRead = places.filter((place, i) => keys.seek(place, "tenant", "subject", key(i)));
    if (toRead.length === 0) break;
    await keys.load(toRead);
  }
  for (const [i, place] of places.entries()) {
    const found = keys.find(place, "tenant", "subject", key(i));
    const right = found && (expected.length === 0 ? found.length === 0 : found.includes(expected[i] ?? -1));
    if (!right) throw new Error(`the key ${key(i)} has the revisions ${found}`);
  }
}

async function reopen(path: string, manifest: string | null, options: object, total: number): Promise<void> {
  const began = performance.now();
  const since = () => rounded(performance.now() - began);
  const storage = counted(openDiskStorage(path));
  const keys = new KnownKeys({ ...options, storage, hashKey: new Uint8Array(16), manifest });
  const openedMs = since();
  await answer(
    keys,
    (i) => keyOf(i),
    Array.from({ length: BATCH }, (_, i) => i),
  );
  const answeredMs = since();
  await keys.onDisk.settled();
  tell({ reopened: total, openedMs, answeredMs, filtersReadMs: since() });
  await storage.close();
}

function counted(storage: KeyStorage): Counted {
  const reading = {
    ...storage,
    reads: 0,
    read(file: number, at: number, bytes: number) {
      if (bytes === BLOCK_BYTES) reading.reads++;
      return storage.read(file, at, bytes);
    },
  };
  return reading;
}

function sizes({ keys }: Store) {
  const { rss, arrayBuffers } = process.memoryUsage();
  const mib = (bytes: number) => Math.round(bytes / 2 ** 20);
  const { filterBytes, runCount } = keys.onDisk;
  return { runs: runCount, filterMib: mib(filterBytes), rssMib: mib(rss), buffersMib: mib(arrayBuffers) };
}

function rounded(number: number): number {
  return Number(number.toPrecision(3));
}

function tell(figures: object): void {
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}
