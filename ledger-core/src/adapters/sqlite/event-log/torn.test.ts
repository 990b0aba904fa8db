import { Buffer } from "node:buffer";
import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { NO_REVISION } from "../../../domain/position.ts";
import { asNew, makeEvents, readAll } from "../../../testing/event-log-events.ts";
import { openTestFolder } from "../../../testing/event-log-sqlite.ts";
import { openSqliteLog } from "./log.ts";

const WAL_HEADER_BYTES = 32;
const FRAME_BYTES = 24 + 8192;
/** Events in each append; the larger ones fill several pages. */
const APPENDS = [1, 3, 60, 1, 120, 2, 40];

type Torn = { readonly database: Buffer; readonly wal: Buffer };

/** The two files on disk while the log is open, after each acknowledged append. */
async function copyWhileOpen(): Promise<Torn> {
  const { file, folder } = await openTestFolder();
  const log = await openSqliteLog({ file });
  let head = NO_REVISION;
  for (const count of APPENDS) head = await log.append(0, head, makeEvents(head + 1, count, { size: 300 }));
  // Read by another process, since a process that closes any handle of the file loses its lock on it.
  execFileSync("cp", [file, join(folder, "database")]);
  execFileSync("cp", [`${file}-wal`, join(folder, "wal")]);
  await log.close();
  return { database: await readFile(join(folder, "database")), wal: await readFile(join(folder, "wal")) };
}

/** Where each commit ends in a WAL: at a frame with the database's size after it. */
function commitEnds(wal: Buffer): number[] {
  const ends: number[] = [];
  for (let at = WAL_HEADER_BYTES; at + FRAME_BYTES <= wal.length; at += FRAME_BYTES)
    if (wal.readUInt32BE(at + 4) !== 0) ends.push(at + FRAME_BYTES);
  return ends;
}

/** Opens the files left by a crash, and checks that they hold the first `count` appends and accept more. */
async function expectAppends(file: string, { database, wal }: Torn, count: number, what: string): Promise<void> {
  await writeFile(file, database);
  await writeFile(`${file}-wal`, wal);
  const log = await openSqliteLog({ file });
  const events = APPENDS.slice(0, count).reduce((sum, size) => sum + size, 0);
  expect(await log.head(0), what).toBe(events - 1);
  expect(asNew(await readAll(log, 0, 0)), what).toEqual(makeEvents(0, events, { size: 300 }));
  expect(await log.append(0, events - 1, makeEvents(events, 2)), what).toBe(events + 1);
  await log.close();
}

test("a WAL that was cut anywhere opens with whole appends, those whose commit is in it", async () => {
  const { database, wal } = await copyWhileOpen();
  const { file } = await openTestFolder();
  const commits = commitEnds(wal);
  const appends = (length: number) => {
    const whole = commits.filter((end) => end <= length).length;
    // The first commits are those that made the file.
    return Math.max(0, whole - (commits.length - APPENDS.length));
  };
  const offsets = new Set([0, 7, WAL_HEADER_BYTES]);
  for (let at = WAL_HEADER_BYTES; at <= wal.length; at += FRAME_BYTES)
    for (const near of [-4096, -1, 0, 1, 12, 24, 25])
      if (at + near > 0 && at + near <= wal.length) offsets.add(at + near);
  expect(offsets.size).toBeGreaterThan(80);
  for (const length of offsets)
    await expectAppends(file, { database, wal: wal.subarray(0, length) }, appends(length), `cut at ${length}`);
  expect(appends(wal.length)).toBe(APPENDS.length);
});

test("a last append of which a piece never reached the disk is not there at all", async () => {
  const { database, wal } = await copyWhileOpen();
  const { file } = await openTestFolder();
  const [lastStart = 0, lastEnd = 0] = commitEnds(wal).slice(-2);
  expect(lastEnd - lastStart).toBeGreaterThan(FRAME_BYTES);
  for (let at = lastStart; at < lastEnd; at += 512) {
    const piece = wal.subarray(at, Math.min(at + 512, lastEnd));
    if (piece.every((byte) => byte === 0)) continue;
    const torn = Buffer.from(wal);
    torn.fill(0, at, at + piece.length);
    await expectAppends(file, { database, wal: torn }, APPENDS.length - 1, `zeros at ${at}`);
  }
});
