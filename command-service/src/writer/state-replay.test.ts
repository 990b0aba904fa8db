import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { encodeEvent, ImpossibleEvent, type LedgerEvent } from "ledger-core";
import { openSqliteLog } from "ledger-core/event-log";
import { expect, onTestFinished, test } from "vitest";
import { stateUnavailable } from "../state/state-faults.ts";
import { stateFileOn } from "../state/state-file.ts";
import type { Writer } from "../writer-port.ts";
import type { DiscardedState } from "./recovery.ts";
import { allEvents, eventOf, payment, writerFixture } from "./writer.fixture.ts";
import { openWriter, type WriterOptions } from "./writer.ts";
import { writerSeams } from "./writer-seams.ts";

/** Changes the first balance of a state file and recomputes all its checksums, so that none reveals the fault. */
async function enrich(stateFile: string, by: bigint): Promise<void> {
  const file = stateFileOn(new DatabaseSync(stateFile));
  const standing = file.pages.read("standings", 0);
  const posted = new BigInt64Array(standing.buffer, standing.byteOffset, 4);
  posted[0] = (posted[0] ?? 0n) + by;
  file.begin();
  file.pages.write("standings", 0, standing);
  file.commit(file.stand(), file.keysManifest());
  await file.close();
}

/**
 * A ledger whose state file is older than its log: in the file `from` can still pay 100, of which it has since paid 60.
 */
async function behindLedger(options: Partial<WriterOptions>) {
  const ledger = await writerFixture(options);
  const writer = await ledger.start();
  const [from, to] = [await ledger.open(writer, "a", -100n), await ledger.open(writer, "b", null)];
  await writer.stop();
  copyFileSync(ledger.stateFile, `${ledger.stateFile}.old`);
  const second = await ledger.start();
  await ledger.send(second, payment(from, to, 60n));
  await second.stop();
  for (const suffix of ["-wal", "-shm"]) rmSync(ledger.stateFile + suffix, { force: true });
  copyFileSync(`${ledger.stateFile}.old`, ledger.stateFile);
  const expectRight = async (third: Writer) => {
    expect(eventOf(await ledger.send(third, payment(from, to, 41n))).fact.type).toBe("PaymentDeclined");
    expect(eventOf(await ledger.send(third, payment(from, to, 40n))).fact.type).toBe("PaymentCharged");
  };
  return { ...ledger, expectRight };
}

test("a state file that contradicts the log is discarded, and the log wins", async () => {
  const discarded: DiscardedState[] = [];
  const ledger = await behindLedger({ onDiscarded: (one) => discarded.push(one) });
  await enrich(ledger.stateFile, 1_000_000n);
  const writer = await ledger.start();
  expect(discarded).toMatchObject([{ keptAt: `${ledger.stateFile}.damaged` }]);
  expect(discarded[0]?.why).toMatch(/at 0:\d+ contradicts what came before it: .* is at 999940, its posting says -60/);
  await ledger.expectRight(writer);
});

test("a page that a replay cannot read, however often, is rebuilt from the log", async () => {
  const serving = Promise.withResolvers<void>();
  const discarded: string[] = [];
  let broken = false;
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
  const ledger = await behindLedger({ seams, failedReadsMax: 2, onDiscarded: ({ why }) => discarded.push(why) });
  broken = true;
  const writer = await ledger.start({ onReadiness: ({ ready }) => ready && serving.resolve() });
  expect(writer.readiness()).toMatchObject({ ready: false, detail: expect.stringContaining("EIO") });
  await serving.promise;
  expect(discarded).toEqual([expect.stringContaining("could not be read 2 times")]);
  await ledger.expectRight(writer);
});

/** A new log with these events. */
async function logOf(events: readonly LedgerEvent[], folder: string) {
  const log = await openSqliteLog({ file: join(folder, "impossible.sqlite") });
  onTestFinished(() => log.close());
  await log.append(
    0,
    -1,
    events.map((event) => ({ id: event.id, at: event.at, ...encodeEvent(event) })),
  );
  return log;
}

test("a log with an event that cannot have happened is refused by its place and both balances", async () => {
  const ledger = await writerFixture();
  const writer = await ledger.start();
  const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b", null)];
  const charged = eventOf(await ledger.send(writer, payment(from, to, 60n)));
  await ledger.send(writer, payment(from, to, 1n));
  const events = (await allEvents(ledger.log)).map((event): LedgerEvent => {
    const { fact } = event;
    if (event.id !== charged.id || fact.type !== "PaymentCharged") return event;
    return { ...event, fact: { ...fact, postings: fact.postings.map((posting) => ({ ...posting, balance: 7n })) } };
  });
  const log = await logOf(events, ledger.folder);
  const discarded: DiscardedState[] = [];
  const stateFile = join(ledger.folder, "other.sqlite");
  const onDiscarded = (one: DiscardedState) => discarded.push(one);
  const opened = openWriter({ log, shard: 0, stateFile, expiryEveryMs: 0, onDiscarded });
  const { revision } = charged;
  await expect(opened).rejects.toMatchObject({
    code: "log_corrupt",
    position: { shard: 0, revision },
    message: expect.stringContaining(`at 0:${revision} contradicts what came before it`),
    cause: expect.any(ImpossibleEvent),
  });
  await expect(opened).rejects.toThrow(/is at -60, its posting says 7/);
  await expect(opened).rejects.not.toThrow("assertion failed");
  expect(discarded).toEqual([]);
});
