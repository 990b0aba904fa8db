import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import {
  type AccountId,
  type ClientCommand,
  decodeEvent,
  emptyChargeMove,
  makeId,
  postingsOf,
  readChargeMove,
} from "ledger-core";
import type { StoredEvent } from "ledger-core/event-log";
import { seeded } from "ledger-core/testing/history";
import { describe, expect, test } from "vitest";
import { DecisionState } from "../../state/decision-state.ts";
import { finishFlush } from "../../state/flush.ts";
import { unknownPlace } from "../../state/keys/known-keys.ts";
import { forEachKind } from "../../state/pages.ts";
import { openStateFile } from "../../state/state-file.ts";
import { accountOf, eventOf, openAccount, payment, writerFixture } from "../writer.fixture.ts";
import { makeChargeLane } from "./charge-lane.ts";

const ACCOUNTS = 12;
const COMMANDS = 600;

/** A writer's log in which most events are charges, among accounts of every kind of limit. */
async function writeLog(): Promise<StoredEvent[]> {
  const ledger = await writerFixture();
  const writer = await ledger.start();
  const accounts: AccountId[] = [];
  for (let n = 0; n < ACCOUNTS; n++) {
    const command = openAccount(`owner-${n}`, [null, 0n, -500n][n % 3]);
    if (command.type !== "OpenAccount") throw new Error("an account is opened");
    const limits = { ...command.limits, perDay: n % 4 === 3 ? 300n : null };
    accounts.push(accountOf(await ledger.send(writer, { ...command, limits })));
  }
  const below = seeded(11);
  const some = () => accounts[below(ACCOUNTS)] ?? makeId("acct", "0".repeat(26));
  const held: Extract<ClientCommand, { type: "VoidPayment" }>[] = [];
  for (let n = 0; n < COMMANDS; n++) {
    const account = some();
    const manual = { capture: "manual", expiresAt: null } as const;
    const command: ClientCommand =
      [
        payment(account, some(), BigInt(below(40) + 1)),
        payment(account, some(), BigInt(below(40) + 1), { reference: `ref ${n} ü` }),
        payment(account, some(), BigInt(below(40) + 1), { metadata: { n: `${n}` } }),
        payment(account, some(), BigInt(below(40) + 1), manual),
        ...[...Array(12)].map(() => payment(account, some(), BigInt(below(2000) + 1), { reference: `${n}` })),
        { type: below(4) === 0 ? ("FreezeAccount" as const) : ("UnfreezeAccount" as const), account, reason: "a test" },
        held[below(held.length)] ?? payment(account, some(), 1n),
      ][below(18)] ?? payment(account, some(), 1n);
    const answer = await ledger.send(writer, command, n % 5 === 0 ? `clé-${n}` : `key-of-${n}`);
    if (answer.kind !== "recorded") continue;
    const { fact } = eventOf(answer);
    if (fact.type === "PaymentAuthorized") held.push({ type: "VoidPayment", payment: fact.payment.id });
  }
  await writer.stop();
  const events: StoredEvent[] = [];
  for await (const batch of ledger.log.read(0, 0)) events.push(...batch);
  return events;
}

type Replayed = { readonly error: string | undefined; readonly fast: number; readonly told: unknown };

/**
 * Replays events, in the pieces that a log delivers, and tells everything that is then in the state and its file. After
 * an error the state is thrown away.
 */
async function replay(events: readonly StoredEvent[], pieces: readonly number[], lane: boolean): Promise<Replayed> {
  const folder = mkdtempSync(join(tmpdir(), "payledger-lane-"));
  const file = openStateFile(join(folder, "state.sqlite"), { accountsPerPage: 2, pagesPerChunk: 2, valuesPerPage: 1 });
  const state = new DecisionState({ file, accountsCached: 4, random: () => 0 });
  let general = 0;
  const apply = (event: StoredEvent) => {
    general++;
    state.apply(decodeEvent(event));
  };
  const fast = makeChargeLane(state, apply);
  let error: string | undefined;
  try {
    for (let at = 0, n = 0; at < events.length; n++) {
      const piece = events.slice(at, at + (pieces[n % pieces.length] ?? 1));
      at += piece.length;
      if (lane) fast(piece);
      else for (const event of piece) apply(event);
      state.settle(state.revision);
      if (n % 7 === 6) await finishFlush(state.flush());
    }
  } catch (thrown) {
    error = String(thrown);
  }
  state.settle(state.revision);
  try {
    return {
      error,
      fast: events.length - general,
      told: error === undefined ? await tell(state, file, events) : undefined,
    };
  } finally {
    await file.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function tell(state: DecisionState, file: ReturnType<typeof openStateFile>, events: readonly StoredEvent[]) {
  const { revision, lastEvent, at, epoch, tailSize, changedPages } = state;
  const bodies = events.map((event) => decodeEvent(event));
  const places = bodies.map(({ origin }) => ({ origin, place: unknownPlace() }));
  const unread = places.filter(
    ({ origin: { tenant, sub, key }, place }) => key && state.seekKey(place, tenant, sub, key),
  );
  await state.loadKeys(unread.map(({ place }) => place));
  const keys = places.map(({ origin: { tenant, sub, key }, place }) => key && state.findKey(place, tenant, sub, key));
  await finishFlush(state.flush());
  const pages = forEachKind((kind) =>
    Array.from({ length: file.pages.count(kind) }, (_, page) =>
      file.pages.has(kind, page) ? Buffer.from(file.pages.read(kind, page)).toString("hex") : null,
    ),
  );
  return { revision, lastEvent, at, epoch, tailSize, changedPages, keys, pages, stand: file.stand() };
}

/** Replays events with and without the fast lane, and compares. */
async function expectSame(events: readonly StoredEvent[], pieces: readonly number[]): Promise<Replayed> {
  const [fast, general] = [await replay(events, pieces, true), await replay(events, pieces, false)];
  expect(fast.error).toBe(general.error);
  expect(fast.told).toStrictEqual(general.told);
  return fast;
}

let written: Promise<StoredEvent[]> | undefined;
/** The same log for all tests. */
const theLog = () => {
  written ??= writeLog();
  return written;
};

const isCharge = ({ type }: StoredEvent) => type === "PaymentCharged";
const isPlain = (event: StoredEvent) => readChargeMove(event, emptyChargeMove());
/** Another digit of an id in the place of the one that follows `front`. */
const otherDigit = (_: string, front: string, digit: string) => `${front}${digit === "1" ? "2" : "1"}`;
const textOf = ({ data }: StoredEvent) => Buffer.from(data).toString();

describe("a replay with the fast lane", () => {
  test("leaves the state, its keys and its file as one without it, however the log is cut", async () => {
    const log = await theLog();
    expect(log.filter(isCharge).length).toBeGreaterThan(150);
    for (const pieces of [[512], [1], [2, 7, 130, 31]]) {
      const { error, fast } = await expectSame(log, pieces);
      expect(error).toBeUndefined();
      expect(fast).toBeGreaterThan(90);
    }
  });

  test("refuses the same events with the same words", async () => {
    const changes: ((text: string) => string)[] = [
      (text) => text.replace(/"balances":\["(-?\d+)"/, (_, sum) => `"balances":["${BigInt(sum) + 1n}"`),
      (text) => text.replace(/"balances":\["(-?\d+)","(-?\d+)"/, (_, a, b) => `"balances":["${a}","${BigInt(b) - 1n}"`),
      (text) => text.replace(/"amount":"(\d+)"/, (_, sum) => `"amount":"${BigInt(sum) + 1n}"`),
      (text) => text.replace(/"amount":"(\d+)"/, '"amount":"-$1"'),
      (text) => text.replace(/"amount":"(\d+)"/, '"amount":"0"'),
      (text) => text.replace(/("payer":"acct_.{25})(.)/, otherDigit),
      (text) => text.replace(/("payee":"acct_.{25})(.)/, otherDigit),
      (text) => text.replace(/("payer":"acct_.{19})(.)/, otherDigit),
      (text) => text.replace(/("payer":"acct_.{11})(.)/, otherDigit),
      (text) => text.replace(/"payer":"acct_./, '"payer":"acct_7'),
      (text) => text.replace(/"payee":"acct_.{26}"/, `"payee":"${makeId("acct", "0".repeat(26))}"`),
      (text) => text.replace(/"payee":"acct_.{26}"/, `"payee":"acct_${/"payer":"acct_(.{26})"/.exec(text)?.[1]}"`),
      (text) => text.replace(/"amount"/, '"Amount"'),
      (text) => text.replace(/"balances":\["(-?\d+)"/, '"balances":["9223372036854775807"'),
      (text) => text.slice(0, -1),
    ];
    const log = await theLog();
    const plain = log.slice(log.length / 2).filter(isPlain);
    for (const change of changes) {
      for (const wrong of plain.slice(-2)) {
        const changed = log.map((event) =>
          event === wrong ? { ...event, data: Buffer.from(change(textOf(event))) } : event,
        );
        expect((await expectSame(changed, [64])).error).toBeDefined();
      }
    }
  });

  test("does the same with charges that no writer makes", async () => {
    const log = await theLog();
    const last = log.at(-1);
    const charge = log.findLast(isPlain);
    if (!last || !charge) throw new Error("the log has charges");
    const balances = new Map<string, bigint>();
    for (const event of log)
      for (const one of postingsOf(decodeEvent(event).fact)) balances.set(one.account, one.balance);
    const opened = log.map((event) => decodeEvent(event).fact).filter((fact) => fact.type === "AccountOpened");
    // The last of them has a daily limit.
    const ids = opened.slice(2, 4).map(({ account }) => account.id);
    const make = (payer: string, payee: string, amount: bigint, sums: readonly bigint[]): StoredEvent => {
      const data = textOf(charge)
        .replace(/"payer":"[^"]*","payee":"[^"]*"/, `"payer":"${payer}","payee":"${payee}"`)
        .replace(/"amount":"[^"]*"/, `"amount":"${amount}"`)
        .replace(/"balances":\["[^"]*","[^"]*"/, `"balances":["${sums[0]}","${sums[1]}"`);
      return { ...charge, revision: last.revision + 1, data: Buffer.from(data) };
    };
    for (const payer of ids)
      for (const payee of ids)
        for (const amount of [5n, 0n, -5n]) {
          const [debit, credit] = [balances.get(payer) ?? 0n, balances.get(payee) ?? 0n];
          await expectSame([...log, make(payer, payee, amount, [debit - amount, credit + amount])], [512]);
        }
  });

  test("refuses a missing, a repeated and a misplaced event", async () => {
    const log = await theLog();
    const nth = log.findLastIndex(isCharge) - 3;
    const [one, two] = [log[nth], log[nth + 1]];
    if (!one || !two) throw new Error("the log has charges");
    for (const middle of [[two], [one, one, two], [two, one]]) {
      const changed = [...log.slice(0, nth), ...middle, ...log.slice(nth + 2)];
      expect((await expectSame(changed, [512])).error).toMatch(/applied at/);
    }
  });

  test("does with any few bytes changed what one without it does", async () => {
    const log = await theLog();
    const charges = log.filter(isCharge);
    const bytes = fc.constantFrom(...Buffer.from(' \n",:{}[]\\0189-eulz_\u007f'));
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), bytes, async (which, at, byte) => {
        const wrong = charges[which % charges.length];
        const changed = log.slice(0, 120).map((event) => {
          if (event !== wrong) return event;
          const data = Buffer.from(event.data);
          data[at % data.length] = byte;
          return { ...event, data };
        });
        const [fast, general] = [await replay(changed, [50], true), await replay(changed, [50], false)];
        expect(fast.error).toBe(general.error);
      }),
      { numRuns: 30 },
    );
  });
});
