import { Buffer } from "node:buffer";
import { readFile, writeFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { isLedgerError } from "../../../domain/errors.ts";
import { NO_REVISION } from "../../../domain/position.ts";
import type { NewEvent } from "../../../ports/event-log.ts";
import { asNew, makeEvents, range, readAll } from "../../../testing/event-log-events.ts";
import { openTestFolder } from "../../../testing/event-log-sqlite.ts";
import { openSqliteLog } from "./log.ts";

const FRAME_BYTES = 31 + "PaymentCharged".length + 40;

/** Four appends: revisions 0 to 3, 4 to 6, 7 to 9, 10 and 11; and two events of shard 1. */
async function makeLog(): Promise<string> {
  const { file } = await openTestFolder();
  const log = await openSqliteLog({ file });
  for (const [first, count] of [
    [0, 4],
    [4, 3],
    [7, 3],
    [10, 2],
  ] as const)
    await log.append(0, first - 1, makeEvents(first, count, { size: 40 }));
  await log.append(1, NO_REVISION, makeEvents(0, 2, { shard: 1, size: 40 }));
  await log.close();
  return file;
}

/** Changes the closed file through a plain SQLite connection. */
function tamper(file: string, sql: string, ...values: (number | Uint8Array)[]): void {
  const raw = new DatabaseSync(file);
  raw.prepare(sql).run(...values);
  raw.close();
}

/** Reads the whole shard: the revisions before the fault, and the fault. */
async function examine(file: string, shard = 0): Promise<{ read: number[]; code?: string; at?: number | undefined }> {
  const read: number[] = [];
  try {
    const log = await openSqliteLog({ file });
    try {
      for await (const events of log.read(shard, 0)) read.push(...events.map((event) => event.revision));
    } finally {
      await log.close();
    }
    return { read };
  } catch (error) {
    if (!isLedgerError(error)) throw error;
    return { read, code: error.code, at: error.position?.revision };
  }
}

function columnOf(file: string, column: "frames" | "leaves", place: number): Buffer {
  const raw = new DatabaseSync(file);
  const value = raw.prepare(`SELECT ${column} FROM batch WHERE place = ?`).get(place)?.[column];
  raw.close();
  if (!(value instanceof Uint8Array)) throw new Error("there is such a row");
  return Buffer.from(value);
}

describe("a damaged row", () => {
  test.each([
    { column: "frames", eventBytes: FRAME_BYTES },
    { column: "leaves", eventBytes: 32 },
  ] as const)("each byte of its $column, flipped, is found, and its event is named", async ({ column, eventBytes }) => {
    const file = await makeLog();
    const bytes = columnOf(file, column, 4);
    expect(bytes.length).toBe(3 * eventBytes);
    for (const index of bytes.keys()) {
      const flipped = Buffer.from(bytes);
      flipped[index] = (bytes[index] ?? 0) ^ (1 << (index % 8));
      tamper(file, `UPDATE batch SET ${column} = ? WHERE place = 4`, flipped);
      const bad = 4 + Math.floor(index / eventBytes);
      expect(await examine(file), `byte ${index}`).toEqual({ read: range(0, bad - 1), code: "log_corrupt", at: bad });
    }
    tamper(file, `UPDATE batch SET ${column} = ? WHERE place = 4`, bytes);
    expect(await examine(file)).toEqual({ read: range(0, 11) });
  });

  test.each([
    { what: "deleted", sql: "DELETE FROM batch WHERE place = 4", at: 4 },
    { what: "deleted at the start", sql: "DELETE FROM batch WHERE place = 0", at: 0 },
    {
      what: "cut short by a byte",
      sql: "UPDATE batch SET frames = substr(frames, 1, length(frames) - 1) WHERE place = 4",
      at: 6,
    },
    { what: "emptied", sql: "UPDATE batch SET frames = x'' WHERE place = 4", at: 4 },
    { what: "made longer", sql: "UPDATE batch SET frames = CAST(frames || x'00' AS BLOB) WHERE place = 4", at: 7 },
    { what: "short of a leaf", sql: "UPDATE batch SET leaves = substr(leaves, 1, 64) WHERE place = 4", at: 6 },
    { what: "counted for less", sql: "UPDATE batch SET count = 2 WHERE place = 4", at: 6 },
    { what: "counted for more", sql: "UPDATE batch SET count = 4 WHERE place = 4", at: 7 },
    { what: "counted for none", sql: "UPDATE batch SET count = 0 WHERE place = 4", at: 4 },
    { what: "moved up", sql: "UPDATE batch SET place = 5 WHERE place = 4", at: 4 },
    { what: "moved down", sql: "UPDATE batch SET place = 3 WHERE place = 4", at: 4 },
    {
      what: "replaced by another",
      sql: "UPDATE batch SET (frames, leaves) = (SELECT frames, leaves FROM batch WHERE place = 7) WHERE place = 4",
      at: 4,
    },
  ])("$what, is found, and the first bad revision is named", async ({ sql, at }) => {
    const file = await makeLog();
    tamper(file, sql);
    expect(await examine(file)).toMatchObject({ code: "log_corrupt", at });
  });

  test("two that changed places are found at the first", async () => {
    const file = await makeLog();
    tamper(file, "UPDATE batch SET place = 100 WHERE place = 4");
    tamper(file, "UPDATE batch SET place = 4 WHERE place = 7");
    tamper(file, "UPDATE batch SET place = 7 WHERE place = 100");
    expect(await examine(file)).toEqual({ read: range(0, 3), code: "log_corrupt", at: 4 });
  });

  test("at the end of a shard refuses the opening: nothing is appended behind it", async () => {
    const file = await makeLog();
    tamper(file, "UPDATE batch SET frames = substr(frames, 1, length(frames) - 1) WHERE place = 10");
    await expect(openSqliteLog({ file })).rejects.toMatchObject({
      code: "log_corrupt",
      position: { shard: 0, revision: 11 },
    });
    await expect(openSqliteLog({ file })).rejects.toThrow(/damaged at 0:11/);
  });

  test("copied into another shard is found", async () => {
    const file = await makeLog();
    tamper(file, "INSERT INTO batch SELECT ? + 2, count, frames, leaves FROM batch WHERE place = 4", 2 ** 40);
    await expect(openSqliteLog({ file })).rejects.toMatchObject({
      code: "log_corrupt",
      position: { shard: 1, revision: 2 },
    });
  });

  test("does not hide the rows after it, nor stop appends", async () => {
    const file = await makeLog();
    tamper(file, "DELETE FROM batch WHERE place = 4");
    const log = await openSqliteLog({ file });
    expect(asNew(await readAll(log, 0, 7))).toEqual(makeEvents(7, 5, { size: 40 }));
    await expect(readAll(log, 0, 5, 1)).rejects.toMatchObject({
      code: "log_corrupt",
      position: { shard: 0, revision: 4 },
    });
    expect(await log.append(0, 11, makeEvents(12, 1))).toBe(12);
    await log.close();
  });
});

describe("a damaged file", () => {
  test("never gives an event that was not appended, whichever byte is flipped", async () => {
    const file = await makeLog();
    const whole = await readFile(file);
    const appended = makeEvents(0, 12, { size: 40 });
    const outcomes = new Map<string, number>();
    for (const index of flippedBytes(whole)) {
      const bytes = Buffer.from(whole);
      bytes[index] = (bytes[index] ?? 0) ^ 0xff;
      await writeFile(file, bytes);
      const outcome = await readDamaged(file, appended);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    // A damaged identity looks like a foreign or newer file; unused space may change.
    expect([...outcomes.keys()].toSorted()).toEqual(["as appended", "incompatible", "log_corrupt"]);
    expect(outcomes.get("log_corrupt")).toBeGreaterThan(100);
  });
});

/** The header, every 7th byte that is not zero after it, and a sample of the rest. */
function flippedBytes(file: Buffer): number[] {
  const used = [...file.keys()].filter((index) => index >= 100 && file[index] !== 0);
  return [...range(16, 99).filter((index) => index % 3 === 0), ...used.filter((_, n) => n % 7 === 0), 3000, 12_000];
}

/** The result of opening and reading a damaged file; compares any events read with the appended ones. */
async function readDamaged(file: string, appended: readonly NewEvent[]): Promise<string> {
  try {
    const log = await openSqliteLog({ file });
    try {
      const read = asNew(await readAll(log, 0, 0));
      expect(read).toEqual(appended.slice(0, read.length));
      return read.length === appended.length ? "as appended" : "lost its end";
    } finally {
      await log.close();
    }
  } catch (error) {
    if (!isLedgerError(error)) throw error;
    return error.code;
  }
}
