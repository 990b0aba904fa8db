import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { AccountId } from "ledger-core";
import { describe, expect, test } from "vitest";
import { type PageKind, pageKinds } from "../state/pages.ts";
import type { Answer, Writer } from "../writer-port.ts";
import type { DiscardedState } from "./recovery.ts";
import { allEvents, eventOf, payment, writerFixture } from "./writer.fixture.ts";
import type { WriterOptions } from "./writer.ts";

/** Pages so small that each account and each few payments have their own, with nearly no cache. */
const small: Partial<WriterOptions> = {
  layout: { accountsPerPage: 1, revisionsPerPage: 4, pagesPerChunk: 2, valuesPerPage: 1 },
  ...{ accountsCached: 2, namesCached: 2, paymentsCached: 2, paymentPagesCached: 2 },
};

/** A closed ledger whose wallet `poor` holds 100, and a record of its later reports. `others`: further accounts. */
async function poorLedger(options: Partial<WriterOptions> = small, others = 0) {
  const discarded: DiscardedState[] = [];
  const standings: boolean[] = [];
  const servesAgain: (() => void)[] = [];
  const ledger = await writerFixture({
    ...options,
    onDiscarded: (one) => discarded.push(one),
    onReadiness({ ready }) {
      standings.push(ready);
      if (ready) for (const tell of servesAgain.splice(0)) tell();
    },
  });
  const writer = await ledger.start();
  const bank = await ledger.open(writer, "bank", null);
  const poor = await ledger.open(writer, "poor");
  const shop = await ledger.open(writer, "shop");
  await Promise.all(Array.from({ length: others }, (_, n) => ledger.open(writer, `other-${n}`)));
  await ledger.send(writer, payment(bank, poor, 100n));
  const held = eventOf(await ledger.send(writer, payment(bank, shop, 7n, { capture: "manual" })));
  for (let n = 0; n < 40; n++) await ledger.send(writer, payment(bank, shop, 1n));
  await writer.stop();
  const serving = () => new Promise<void>((resolve) => servesAgain.push(resolve));
  return { ...ledger, bank, poor, shop, held, discarded, standings, serving };
}

type Ledger = Awaited<ReturnType<typeof poorLedger>>;

/** Changes the stored bytes of a page without updating any checksum, as a disk would. */
function alter(
  file: string,
  kind: PageKind,
  page: number,
  change: (bytes: Uint8Array) => Uint8Array | undefined,
): void {
  const db = new DatabaseSync(file);
  const place = pageKinds[kind] * 2 ** 40 + page;
  const bytes = db.prepare("SELECT data FROM pages WHERE place = ?").get(place)?.data;
  if (!(bytes instanceof Uint8Array)) throw new Error(`there is no page ${page} of ${kind}`);
  const changed = change(bytes.slice());
  if (changed) db.prepare("UPDATE pages SET data = ? WHERE place = ?").run(changed, place);
  else db.prepare("DELETE FROM pages WHERE place = ?").run(place);
  db.close();
}

function flip(at: number): (bytes: Uint8Array) => Uint8Array {
  return (bytes) => {
    bytes[at] = (bytes[at] ?? 0) ^ 0x40;
    return bytes;
  };
}

/** An account with 100 can pay exactly 100, and earlier keys and payments are known. */
async function expectRight(ledger: Ledger, writer: Writer): Promise<void> {
  const { poor, shop } = ledger;
  const kinds = async (payer: AccountId, amount: bigint, key: string) =>
    eventOf(await insist(ledger, () => ledger.send(writer, payment(payer, shop, amount), key))).fact.type;
  expect(await kinds(poor, 1_000_000n, "million")).toBe("PaymentDeclined");
  expect(await kinds(poor, 100n, "hundred")).toBe("PaymentCharged");
  expect(await kinds(poor, 1n, "one")).toBe("PaymentDeclined");
  if (ledger.held.fact.type !== "PaymentAuthorized") throw new Error("nothing is held");
  const capture = { type: "CapturePayment", payment: ledger.held.fact.payment.id, amount: null, final: false } as const;
  const captured = await insist(ledger, () => ledger.send(writer, capture, "capture"));
  expect(eventOf(captured).fact.type).toBe("PaymentCaptured");
}

/** Retries until the shard serves again; until then, requests are only refused. */
async function insist(ledger: Ledger, send: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    const again = ledger.serving();
    try {
      return await send();
    } catch (error) {
      expect(error).toMatchObject({ code: "not_ready", retryable: true });
      await again;
    }
  }
}

describe("a state file that was damaged while it was closed", () => {
  test.each<[string, PageKind, number]>([
    ["a balance", "standings", 1],
    ["a limit", "profiles", 1],
    ["a name", "names", 1],
    ["a kind of account", "kinds", 0],
    ["a payment", "payments", 1],
  ])("one flipped bit in %s decides nothing", async (_, kind, page) => {
    const ledger = await poorLedger();
    alter(ledger.stateFile, kind, page, flip(2));
    const writer = await ledger.start();
    await insist(ledger, () => ledger.send(writer, payment(ledger.poor, ledger.shop, 1_000_000n), "first"));
    await insist(ledger, () => ledger.send(writer, payment(ledger.bank, ledger.poor, 1n), "second"));
    await insist(ledger, () => ledger.send(writer, payment(ledger.poor, ledger.bank, 1n), "third"));
    await expectRight(ledger, writer);
  });

  test("a page that is gone, altered or cut off is noticed", { timeout: 120_000 }, async () => {
    for (const damage of [
      () => undefined,
      (bytes: Uint8Array) => bytes.fill(0, 0, 8),
      (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 32),
    ]) {
      const ledger = await poorLedger();
      alter(ledger.stateFile, "standings", 1, damage);
      const writer = await ledger.start();
      await insist(ledger, () => ledger.send(writer, payment(ledger.poor, ledger.shop, 1_000_000n), "first"));
      expect(ledger.discarded).toHaveLength(1);
      expect(ledger.discarded[0]?.why).toContain("page 1 of kind 1");
      expect(existsSync(ledger.discarded[0]?.keptAt ?? "")).toBe(true);
      expect(ledger.standings).toEqual([false, true]);
      await expectRight(ledger, writer);
    }
  });

  test("if any page of the file is overwritten, the writer starts and decides correctly", {
    timeout: 120_000,
  }, async () => {
    const first = await poorLedger(small, 60);
    const pages = statSync(first.stateFile).size / 8192;
    expect(pages).toBeGreaterThanOrEqual(4);
    for (let page = 0; page < pages; page++) {
      const ledger = page === 0 ? first : await poorLedger(small, 60);
      const bytes = readFileSync(ledger.stateFile);
      writeFileSync(ledger.stateFile, bytes.fill(0xa5, page * 8192, (page + 1) * 8192));
      const writer = await ledger.start();
      await insist(ledger, () => ledger.send(writer, payment(ledger.poor, ledger.shop, 1_000_000n), "first"));
      await expectRight(ledger, writer);
    }
  });

  test.each<[string, (bytes: Uint8Array) => Uint8Array | undefined]>([
    ["an entry", flip(20)],
    ["the sum of a block", flip(92)],
    ["the end", (bytes) => flip(bytes.length - 3)(bytes)],
    ["what filters are read from", (bytes) => flip(bytes.length - 100)(bytes)],
    ["the length", (bytes) => bytes.subarray(0, -1)],
    ["a whole file", () => undefined],
    ["all there is of a file", (bytes) => bytes.fill(0)],
  ])("of the files of keys, %s: a used key gets its answer, and a new one is decided once", async (_, damage) => {
    for (const filterBytes of [0, 2 ** 20]) {
      const keys = { filterBytes, entriesPerBlock: 5, layers: 2, partKeys: 20 };
      const ledger = await poorLedger({ ...small, keys });
      const writer = await ledger.start();
      const command = payment(ledger.bank, ledger.shop, 1n);
      const first = eventOf(await ledger.send(writer, command, "used"));
      await writer.stop();
      const folder = `${ledger.stateFile}-keys`;
      for (const name of readdirSync(folder)) {
        const bytes = damage(readFileSync(join(folder, name)));
        if (bytes) writeFileSync(join(folder, name), bytes);
        else rmSync(join(folder, name));
      }
      const again = await ledger.start();
      const answer = await insist(ledger, () => ledger.send(again, command, "used"));
      expect(answer).toEqual({ kind: "recorded", event: first, replayed: true });
      await expectRight(ledger, again);
      expect(ledger.discarded.length).toBeLessThanOrEqual(1);
      await again.stop();
    }
  });

  test("at most one damaged file is kept", async () => {
    const ledger = await poorLedger();
    for (let round = 0; round < 2; round++) {
      writeFileSync(ledger.stateFile, Buffer.alloc(100_000, round + 1));
      const writer = await ledger.start();
      await writer.stop();
      expect(ledger.discarded).toHaveLength(round + 1);
      expect(readFileSync(`${ledger.stateFile}.damaged`)[0]).toBe(round + 1);
    }
  });
});

describe("a state file that is damaged while it is in use", () => {
  test("the shard steps down, nothing of the batch is appended, and it serves again from the log", async () => {
    const ledger = await poorLedger();
    const writer = await ledger.start();
    await ledger.send(writer, payment(ledger.bank, ledger.shop, 1n));
    alter(ledger.stateFile, "standings", 1, flip(2));
    const head = await ledger.log.head(0);
    const serving = ledger.serving();
    const sent = [payment(ledger.bank, ledger.shop, 2n), payment(ledger.poor, ledger.shop, 1_000_000n)];
    const failed = await Promise.allSettled(sent.map((command, n) => ledger.send(writer, command, `at once ${n}`)));
    expect(failed).toMatchObject(sent.map(() => ({ status: "rejected", reason: { code: "not_ready" } })));
    await serving;
    expect((await allEvents(ledger.log)).slice(head + 1).map(({ fact }) => fact.type)).toEqual(["WriterEpochStarted"]);
    await expectRight(ledger, writer);
  });
});
