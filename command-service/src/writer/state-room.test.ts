import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { isLedgerError, type Runtime } from "ledger-core";
import { openSqliteLog } from "ledger-core/event-log";
import { systemRuntime } from "ledger-core/process";
import { describe, expect, onTestFinished, test } from "vitest";
import { openDiskStorage } from "../state/keys/disk-storage.ts";
import type { KeyStorage } from "../state/keys/key-storage.ts";
import { stateUnavailable } from "../state/state-faults.ts";
import { stateFileOn } from "../state/state-file.ts";
import type { Writer } from "../writer-port.ts";
import { allEvents, bulkItem, eventOf, operator, payment, writerFixture } from "./writer.fixture.ts";
import { openWriter, type WriterOptions } from "./writer.ts";
import { writerSeams } from "./writer-seams.ts";

const FLUSH_AT = 64;
const BULK = 20;
const PAGE_BYTES = 8192;
const cannotWrite = "the decision state cannot be written: the disk is full";

type Ledger = Awaited<ReturnType<typeof writerFixture>>;

/** Resolves when the shard serves again. */
function standings() {
  const waiting: (() => void)[] = [];
  return {
    onReadiness({ ready }: { readonly ready: boolean }) {
      if (ready) for (const tell of waiting.splice(0)) tell();
    },
    serving: () => new Promise<void>((resolve) => waiting.push(resolve)),
  };
}

/**
 * Sends bulks of payments between two new accounts until one is refused; returns its number, and the writer's reports
 * before it.
 */
async function fill(ledger: Ledger, writer: Writer) {
  const [from, to] = [await ledger.open(writer, "from", null), await ledger.open(writer, "to")];
  const bulk = (round: number) => ({
    ...{ caller: operator, key: `bulk-${round}`, mode: "each" as const, print: "x" },
    items: Array.from({ length: BULK }, (_, n) => bulkItem(`${round}-${n}`, payment(from, to, 1n))),
  });
  const send = (round: number) => writer.submitBulk(bulk(round));
  let servedOn = "";
  for (let round = 0; ; round++) {
    const { ready, detail } = writer.readiness();
    if (ready && detail.includes(cannotWrite)) servedOn = detail;
    try {
      await send(round);
    } catch (error) {
      return { send, refused: round, error, servedOn };
    }
  }
}

/** Every bulk up to the refused one is in the log once, whether or not it is resent. */
async function expectOnce(ledger: Pick<Ledger, "log">, filled: Awaited<ReturnType<typeof fill>>): Promise<void> {
  for (let round = 0; round <= filled.refused; round++) {
    expect(await filled.send(round)).toMatchObject({ kind: "recorded", replayed: round < filled.refused });
  }
  const charged = (await allEvents(ledger.log)).filter(({ fact }) => fact.type === "PaymentCharged");
  expect(charged).toHaveLength((filled.refused + 1) * BULK);
}

/** Parts whose state file and key files may each grow to a given number of pages. */
function boundedParts() {
  const bound = { pages: Number.MAX_SAFE_INTEGER };
  let db: DatabaseSync | undefined;
  const apply = () => {
    const least = Number(db?.prepare("PRAGMA page_count").get()?.page_count);
    db?.exec(`PRAGMA max_page_count = ${Math.min(2 ** 31, Math.max(least, bound.pages))}`);
  };
  const seams = {
    ...writerSeams,
    openStateFile(file: string, layout: WriterOptions["layout"]) {
      db = new DatabaseSync(file);
      const state = stateFileOn(db, layout);
      apply();
      const disk = openDiskStorage(`${file}-keys`);
      const run: KeyStorage["run"] = (work) => {
        const bytes = disk.list().reduce((sum, one) => sum + one.bytes, 0);
        if (work.kind === "remove" || bytes < bound.pages * PAGE_BYTES) return disk.run(work);
        return Promise.reject(stateUnavailable("the disk is full"));
      };
      return { ...state, keyStorage: { ...disk, run } };
    },
  };
  const limit = (pages: number) => {
    bound.pages = pages;
    apply();
  };
  return { seams, limit };
}

describe("a state file that has no room to grow", () => {
  test("the shard keeps serving from memory up to a bound, steps down, and continues when there is room", async () => {
    const { onReadiness, serving } = standings();
    const { seams, limit } = boundedParts();
    const unwritten: string[] = [];
    const onUnwritten = (why: string) => unwritten.push(why);
    const ledger = await writerFixture({ seams, flushAt: FLUSH_AT, unwrittenMax: 4, onReadiness, onUnwritten });
    const writer = await ledger.start();
    limit(2);
    const filled = await fill(ledger, writer);
    expect(filled.error).toMatchObject({ code: "not_ready", retryable: true });
    expect(filled.servedOn).toContain("entries wait in memory");
    expect(unwritten.length).toBeGreaterThan(0);
    const again = serving();
    await expect
      .poll(() => writer.readiness())
      .toMatchObject({ ready: false, detail: expect.stringContaining(cannotWrite) });
    limit(Number.MAX_SAFE_INTEGER);
    await again;
    await expectOnce(ledger, filled);
  });

  test("a flush that failed is written later, with all that came between, and a restart knows it", async () => {
    const { onReadiness, serving } = standings();
    const { seams, limit } = boundedParts();
    const ledger = await writerFixture({ seams, flushAt: FLUSH_AT, unwrittenMax: 1000, onReadiness });
    const writer = await ledger.start();
    const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")];
    const held = eventOf(await ledger.send(writer, payment(from, to, 5n, { capture: "manual" }), "held"));
    limit(0);
    for (let n = 0; n < 3 * FLUSH_AT; n++) await ledger.send(writer, payment(from, to, 1n), `key ${n}`);
    const late = await ledger.open(writer, "late", null);
    expect(writer.readiness()).toMatchObject({ ready: true, detail: expect.stringContaining(cannotWrite) });
    const again = serving();
    limit(Number.MAX_SAFE_INTEGER);
    // Without any command, it retries by itself.
    await again;
    await writer.stop();
    let replayed = 0;
    const restarted = await ledger.start({ onReplay: ({ kind }) => (replayed += kind === "replayed" ? 1 : 0) });
    expect(replayed).toBe(0);
    for (const n of [0, FLUSH_AT, 3 * FLUSH_AT - 1]) {
      const answer = await ledger.send(restarted, payment(from, to, 1n), `key ${n}`);
      expect(answer).toMatchObject({ kind: "recorded", replayed: true });
    }
    expect(eventOf(await ledger.send(restarted, payment(late, to, 1n))).fact.type).toBe("PaymentCharged");
    const { fact } = held;
    if (fact.type !== "PaymentAuthorized") throw new Error("nothing is held");
    const capture = { type: "CapturePayment", payment: fact.payment.id, amount: null, final: false } as const;
    expect(eventOf(await ledger.send(restarted, capture)).fact.type).toBe("PaymentCaptured");
  });
});

/** Time that passes only while somebody waits for it; counts the waits. */
function waitedTime() {
  const waited = { times: 0, ms: 0 };
  const runtime: Runtime = {
    ...systemRuntime,
    elapsedMs: () => waited.ms,
    delay(ms) {
      waited.times++;
      waited.ms += ms;
      return new Promise((resolve) => setImmediate(resolve));
    },
  };
  return { waited, runtime };
}

test("while a retried flush waits for the disk, it is not checked for being due", async () => {
  const retried = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  let writes = 0;
  const seams = {
    ...writerSeams,
    openStateFile(file: string, layout: WriterOptions["layout"]) {
      const state = stateFileOn(new DatabaseSync(file), layout);
      const disk = openDiskStorage(`${file}-keys`);
      const run: KeyStorage["run"] = (work) => {
        if (work.kind !== "write" || ++writes > 2) return disk.run(work);
        if (writes === 1) return Promise.reject(stateUnavailable("the disk is full"));
        retried.resolve();
        return released.promise.then(() => disk.run(work));
      };
      return { ...state, keyStorage: { ...disk, run } };
    },
  };
  const { onReadiness, serving } = standings();
  const { waited, runtime } = waitedTime();
  const ledger = await writerFixture({ seams, flushAt: 4, runtime, onReadiness });
  const writer = await ledger.start();
  for (let n = 0; n < 4; n++) await ledger.open(writer, `owner ${n}`);
  await retried.promise;
  const before = waited.times;
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(waited.times - before).toBeLessThanOrEqual(1);
  const again = serving();
  released.resolve();
  await again;
  expect(writer.readiness().detail).toMatch(/^serving shard 0 from epoch 1$/);
});

describe("a part of the state file that cannot be read", () => {
  test("makes the shard step down, and after some attempts the state is rebuilt from the log", async () => {
    const { onReadiness, serving } = standings();
    let broken = false;
    const discarded: string[] = [];
    const seams = {
      ...writerSeams,
      openStateFile(file: string, layout: WriterOptions["layout"]) {
        const state = writerSeams.openStateFile(file, layout);
        const read: typeof state.pages.read = (kind, page) => {
          if (broken && kind === "standings") throw stateUnavailable("the disk fails (EIO)");
          return state.pages.read(kind, page);
        };
        return { ...state, pages: { ...state.pages, read } };
      },
      discardStateFile(file: string, keep: boolean) {
        broken = false;
        return writerSeams.discardStateFile(file, keep);
      },
    };
    const ledger = await writerFixture({
      ...{ seams, accountsCached: 1, layout: { accountsPerPage: 1 }, failedReadsMax: 2, onReadiness },
      onDiscarded: ({ why }) => discarded.push(why),
    });
    const writer = await ledger.start();
    const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")];
    await ledger.open(writer, "c");
    await writer.stop();
    const again = await ledger.start();
    broken = true;
    for (let attempt = 0; attempt < 2; attempt++) {
      const served = serving();
      await expect(ledger.send(again, payment(from, to, 1n), "k")).rejects.toMatchObject({ code: "not_ready" });
      await served;
    }
    expect(discarded).toEqual([expect.stringContaining("could not be read 2 times")]);
    expect(eventOf(await ledger.send(again, payment(from, to, 1n), "k")).fact.type).toBe("PaymentCharged");
  });
});

/** Mounting needs root, and is not possible in every container. */
function canMount(): boolean {
  const path = mkdtempSync(join(tmpdir(), "payledger-mount-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", path], { stdio: "ignore" });
    execFileSync("umount", ["--lazy", path], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(path, { recursive: true });
  }
}

/** A separate file system of this size, and a function that enlarges it. */
function smallDisk(folder: string, size: string): { path: string; resize(to: string): void } {
  const path = join(folder, "small");
  mkdirSync(path);
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", path]);
  onTestFinished(() => void execFileSync("umount", ["--lazy", path]));
  return { path, resize: (to) => void execFileSync("mount", ["-o", `remount,size=${to}`, path]) };
}

describe.skipIf(!canMount())("a real disk of a few megabytes (skipped where none can be mounted)", () => {
  test("full of the state file alone: keeps serving, steps down, then serves again", async () => {
    const { onReadiness, serving } = standings();
    const ledger = await writerFixture({ flushAt: FLUSH_AT, unwrittenMax: 4, onReadiness });
    const disk = smallDisk(ledger.folder, "1m");
    const writer = await ledger.start({ stateFile: join(disk.path, "state.sqlite") });
    const filled = await fill(ledger, writer);
    expect(filled.error).toMatchObject({ code: "not_ready", retryable: true });
    expect(filled.servedOn).toContain(cannotWrite);
    const again = serving();
    disk.resize("64m");
    await again;
    await expectOnce(ledger, filled);
    await writer.stop();
  });

  test("full at the start: the writer opens, reports why it is not ready, and serves when there is room", async () => {
    const { onReadiness, serving } = standings();
    const ledger = await writerFixture({ onReadiness });
    const disk = smallDisk(ledger.folder, "64k");
    const junk = join(disk.path, "junk");
    expect(() => writeFileSync(junk, Buffer.alloc(100_000))).toThrow("ENOSPC");
    const writer = await ledger.start({ stateFile: join(disk.path, "state.sqlite") });
    expect(writer.readiness()).toMatchObject({ ready: false, detail: expect.stringContaining("cannot take shard 0") });
    await expect(ledger.open(writer, "a")).rejects.toMatchObject({ code: "not_ready" });
    const again = serving();
    rmSync(junk);
    disk.resize("64m");
    await again;
    await ledger.open(writer, "a");
    await writer.stop();
  });

  test("full of everything: refuses, and serves again by itself when there is room", async () => {
    const { onReadiness, serving } = standings();
    const ledger = await writerFixture({});
    const disk = smallDisk(ledger.folder, "2m");
    const log = await openSqliteLog({ file: join(disk.path, "events.sqlite") });
    const stateFile = join(disk.path, "state.sqlite");
    const writer = await openWriter({ log, shard: 0, stateFile, flushAt: FLUSH_AT, expiryEveryMs: 0, onReadiness });
    onTestFinished(async () => {
      await writer.stop();
      await log.close();
    });
    const filled = await fill(ledger, writer);
    expect(isLedgerError(filled.error) && filled.error.code).toMatch(/^(not_ready|log_unavailable)$/);
    const again = serving();
    disk.resize("64m");
    await again;
    await expectOnce({ log }, filled);
  });
});
