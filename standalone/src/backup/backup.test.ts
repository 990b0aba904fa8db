import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { NO_REVISION } from "ledger-core";
import { openSqliteLog, openSqliteLogReader, type StoredEvent } from "ledger-core/event-log";
import { openRevocationFile } from "ledger-core/revocations";
import { makeEvents, seeded } from "ledger-core/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDataFolder } from "../data-folder.ts";
import { BackupFault, EVENTS, KEPT_FILES, MANIFEST, REVOCATIONS } from "./manifest.ts";
import { checkBackup, restoreBackup } from "./restore-backup.ts";
import { type BackupOptions, writeBackup } from "./write-backup.ts";

const EVENTS_STORED = 400;
const PER_APPEND = 20;
const seed = Number(process.env.LEDGER_SEED ?? Date.now() % 2 ** 31);
const revocation = { tenant: "default", id: "stolen", revokedAt: 1_790_000_000_000_000, until: 1_999_000_000_000_000 };

const home = mkdtempSync(join(tmpdir(), "payledger-backup-"));
const dataDir = join(home, "data");
const backup = join(home, "backup");
const disks: string[] = [];
let names = 0;
const fresh = () => join(home, `folder-${names++}`);

beforeAll(async () => {
  const folder = await openDataFolder(dataDir);
  const log = await openSqliteLog({ file: folder.events });
  for (let at = 0; at < EVENTS_STORED; at += PER_APPEND) await log.append(0, at - 1, makeEvents(at, PER_APPEND));
  await log.append(1, NO_REVISION, makeEvents(0, 3, { shard: 1 }));
  await log.close();
  const revocations = openRevocationFile({ file: folder.revocations, writes: true });
  await revocations.add(revocation);
  await revocations.close();
  await backUp(backup);
});
afterAll(() => {
  for (const disk of disks) execFileSync("umount", [disk]);
  rmSync(home, { recursive: true, force: true });
});

async function backUp(to: string, more: Partial<BackupOptions> = {}) {
  const log = openSqliteLogReader({ file: join(dataDir, EVENTS) });
  try {
    return await writeBackup({ dataDir, log, shards: 3, to, ...more });
  } finally {
    await log.close();
  }
}

async function eventsOf(folder: string, shard: number): Promise<StoredEvent[]> {
  const log = openSqliteLogReader({ file: join(folder, EVENTS) });
  const found: StoredEvent[] = [];
  for await (const events of log.read(shard, 0)) found.push(...events);
  await log.close();
  return found;
}

/** A copy of the backup, to be damaged. */
function copyOfBackup(): string {
  const folder = fresh();
  cpSync(backup, folder, { recursive: true });
  return folder;
}

function sql(folder: string, statement: string): void {
  const database = new DatabaseSync(join(folder, EVENTS));
  database.exec(`${statement}; PRAGMA wal_checkpoint(TRUNCATE)`);
  database.close();
}

/** The place of the n-th row of the log. */
function placeOf(folder: string, row: number): number {
  const database = new DatabaseSync(join(folder, EVENTS));
  const found = database.prepare("SELECT place FROM batch ORDER BY place LIMIT 1 OFFSET ?").get(row);
  database.close();
  return Number(found?.place);
}

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 0x20;
  writeFileSync(path, bytes);
}

/** The place that a check names; restoring must name the same, and leave nothing behind. */
async function refusedAt(folder: string): Promise<string> {
  const fault = await checkBackup(folder).catch((error: unknown) => error);
  if (!(fault instanceof BackupFault)) throw new Error(`not refused: ${fault}`);
  const to = fresh();
  await expect(restoreBackup(folder, to)).rejects.toThrow(BackupFault);
  expect(existsSync(to)).toBe(false);
  expect(readdirSync(home).filter((name) => name.includes("restoring"))).toEqual([]);
  return fault.place.replace(folder, "");
}

test("a restored folder holds the same events, keys and revocations", async () => {
  const to = fresh();
  expect(await restoreBackup(backup, to)).toEqual(await checkBackup(backup));
  for (const shard of [0, 1, 2]) expect(await eventsOf(to, shard)).toEqual(await eventsOf(dataDir, shard));
  for (const name of KEPT_FILES) expect(readFileSync(join(to, name))).toEqual(readFileSync(join(dataDir, name)));
  expect((await openDataFolder(to, { make: false })).cursorKey).toEqual((await openDataFolder(dataDir)).cursorKey);
  const revocations = openRevocationFile({ file: join(to, "revocations.sqlite"), writes: false });
  expect((await revocations.read(undefined)).revocations).toEqual([revocation]);
  await revocations.close();
  expect(statSync(to).mode & 0o077).toBe(0);
  expect(statSync(join(backup, "keys/cursor.key")).mode & 0o077).toBe(0);
});

test("a backup under appends holds the log up to its head at the start, or a little beyond", async () => {
  const file = join(mkdtempSync(join(home, "live-")), EVENTS);
  for (const name of KEPT_FILES) cpSync(join(dataDir, name), join(file, "..", name), { recursive: true });
  const log = await openSqliteLog({ file, shared: true });
  await log.append(0, NO_REVISION, makeEvents(0, EVENTS_STORED));
  let head = EVENTS_STORED - 1;
  let done = false;
  const writing = (async () => {
    while (!done) head = await log.append(0, head, makeEvents(head + 1, 5));
  })();
  const reader = openSqliteLogReader({ file });
  const to = fresh();
  const { shards } = await writeBackup({ dataDir: join(file, ".."), log: reader, shards: 1, to });
  done = true;
  await writing;
  const reached = shards[0]?.head ?? 0;
  expect(reached).toBeGreaterThanOrEqual(EVENTS_STORED - 1);
  expect(await checkBackup(to)).toMatchObject({ shards });
  expect(await eventsOf(to, 0)).toEqual((await eventsOf(join(file, ".."), 0)).slice(0, reached + 1));
  await reader.close();
  await log.close();
});

describe("damage is refused, and its place named", () => {
  test.each([
    ["a changed event", 1, "UPDATE batch SET frames = zeroblob(length(frames)) WHERE place = "],
    ["a changed leaf", 1, "UPDATE batch SET leaves = zeroblob(length(leaves)) WHERE place = "],
    ["a missing row", 0, "DELETE FROM batch WHERE place = "],
    ["a missing end", 1, `DELETE FROM batch WHERE place < ${2 ** 40} AND place >= `],
    ["a missing shard", 2, "DELETE FROM batch WHERE place >= "],
  ])("%s", async (_what, row, statement) => {
    const folder = copyOfBackup();
    const place = placeOf(folder, row);
    sql(folder, statement + place);
    expect(await refusedAt(folder)).toBe(`/${EVENTS}, ${Math.floor(place / 2 ** 40)}:${place % 2 ** 40}`);
  });

  test("events exchanged for others that match their leaves", async () => {
    const folder = copyOfBackup();
    rmSync(join(folder, EVENTS));
    const log = await openSqliteLog({ file: join(folder, EVENTS) });
    await log.append(0, NO_REVISION, makeEvents(0, EVENTS_STORED, { salt: 2 }));
    await log.append(1, NO_REVISION, makeEvents(0, 3, { shard: 1 }));
    await log.close();
    expect(await refusedAt(folder)).toBe(`/${EVENTS}`);
  });

  test.each([...KEPT_FILES, REVOCATIONS, MANIFEST])("%s changed, and missing", async (name) => {
    const folder = copyOfBackup();
    flip(join(folder, name), Math.floor(statSync(join(folder, name)).size / 2));
    expect(await refusedAt(folder)).toBe(`/${name}`);
    rmSync(join(folder, name));
    expect(await refusedAt(folder)).toBe(`/${name}`);
  });

  test("a log that was cut short, and one that is missing", async () => {
    const folder = copyOfBackup();
    const bytes = readFileSync(join(folder, EVENTS));
    writeFileSync(join(folder, EVENTS), bytes.subarray(0, bytes.length / 2));
    expect(await refusedAt(folder)).toMatch(EVENTS);
    rmSync(join(folder, EVENTS));
    expect(await refusedAt(folder)).toMatch(EVENTS);
  });

  test(`any flipped byte of the log is refused, or changes no event (seed ${seed})`, async () => {
    const random = seeded(seed);
    const stored = [await eventsOf(dataDir, 0), await eventsOf(dataDir, 1)];
    const folder = copyOfBackup();
    const path = join(folder, EVENTS);
    const whole = readFileSync(path);
    let refused = 0;
    for (let round = 0; round < 40; round++) {
      writeFileSync(path, whole);
      flip(path, random(whole.length));
      const to = fresh();
      const fault = await restoreBackup(folder, to).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (fault === undefined) {
        expect([await eventsOf(to, 0), await eventsOf(to, 1)]).toEqual(stored);
      } else {
        expect(fault).toBeInstanceOf(BackupFault);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(0);
  });
});

test("a folder in use is never overwritten, and a backup never goes beside other files", async () => {
  await expect(restoreBackup(backup, dataDir)).rejects.toThrow(/is not empty/);
  await expect(backUp(backup)).rejects.toThrow(/is not empty/);
  await expect(backUp(join(dataDir, "backup"))).rejects.toThrow(/in the data folder/);
  expect(await eventsOf(dataDir, 0)).toHaveLength(EVENTS_STORED);
});

test("a disk that fills up, or a stop, leaves nothing behind", async () => {
  const to = fresh();
  await expect(backUp(to, { maxPages: 6 })).rejects.toMatchObject({ code: "log_unavailable" });
  expect(readdirSync(to)).toEqual([]);
  await expect(backUp(to, { signal: AbortSignal.abort() })).rejects.toThrow();
  expect(readdirSync(to)).toEqual([]);
  await backUp(to);
  await checkBackup(to);
});

/** A folder on a small file system of its own; undefined where mounting is not permitted. */
function mountDisk(): string | undefined {
  const folder = mkdtempSync(join(home, "disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=20m", "tmpfs", folder], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  disks.push(folder);
  return folder;
}

test(`a disk that is really full leaves a whole backup or none (seed ${seed})`, async ({ skip }) => {
  const disk = mountDisk();
  if (disk === undefined) return skip("mounting a file system takes root");
  const next = seeded(seed);
  const filler = join(disk, "filler");
  const to = join(disk, "backup");
  const outcomes = new Set<string>();
  for (const left of [0, 1, 8, 64, 256, next(64), next(256), next(256)]) {
    const onProgress = () => {
      const { bavail, bsize } = statfsSync(disk);
      if (!existsSync(filler)) writeFileSync(filler, Buffer.alloc(Math.max(0, bavail - left) * bsize));
    };
    const failure = await backUp(to, { onProgress }).catch((error: unknown) => error);
    if (readdirSync(to).length === 0) {
      expect(failure, `${left} blocks`).toMatchObject({ code: expect.stringMatching(/^(log|store)_unavailable$/) });
      await expect(checkBackup(to)).rejects.toThrow(BackupFault);
      outcomes.add("none");
    } else {
      expect(await checkBackup(to), `${left} blocks`).toEqual(failure);
      outcomes.add("whole");
    }
    for (const path of [filler, to]) rmSync(path, { recursive: true, force: true });
  }
  expect([...outcomes].sort()).toEqual(["none", "whole"]);
});
