import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AccountId, type ClientCommand, isLedgerError, type LedgerEvent } from "ledger-core";
import { openSqliteLog } from "ledger-core/event-log";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Answer, Writer } from "../writer-port.ts";
import { accountOf, allEvents, eventOf, openAccount, operator, payment } from "./writer.fixture.ts";
import { openWriter, type WriterOptions } from "./writer.ts";

/** For longer runs by hand: LEDGER_ATTACK_ROUNDS=2000. */
const ROUNDS = Number(process.env.LEDGER_ATTACK_ROUNDS ?? 30);
const SEED = Number(process.env.LEDGER_SEED ?? 1);
const ACCOUNTS = 12;
const PAGE = 8192;

/** Many small pages and a minimal cache, so that most damaged pages are also read. */
const tuning: Partial<WriterOptions> = {
  layout: { accountsPerPage: 2, revisionsPerPage: 8, pagesPerChunk: 4, valuesPerPage: 1 },
  ...{ accountsCached: 2, namesCached: 2, paymentsCached: 2, paymentPagesCached: 2, flushAt: 80, expiryEveryMs: 0 },
};

/** A small generator, so that a seed repeats an attack. */
function seeded(seed: number): (below: number) => number {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

async function openLedger(folder: string) {
  const log = await openSqliteLog({ file: join(folder, "events.sqlite") });
  const waiting: (() => void)[] = [];
  const discarded: string[] = [];
  const writer = await openWriter({
    ...{ ...tuning, log, shard: 0, stateFile: join(folder, "state.sqlite") },
    onDiscarded: ({ why }) => discarded.push(why),
    onReadiness({ ready }) {
      if (ready) for (const tell of waiting.splice(0)) tell();
    },
  });
  const serving = () => new Promise<void>((resolve) => waiting.push(resolve));
  const close = async () => {
    await writer.stop();
    await log.close();
  };
  return { log, writer, serving, close, discarded };
}

type Step = { readonly key: string; readonly command: ClientCommand };

/**
 * Sends a command until it is answered; the only error allowed meanwhile is the refusal of a shard that has stepped
 * down.
 */
async function insist(writer: Writer, serving: () => Promise<void>, { key, command }: Step): Promise<Answer> {
  for (;;) {
    const again = serving();
    try {
      return await writer.submit({ caller: operator, key, command });
    } catch (error) {
      if (!isLedgerError(error, "not_ready")) throw error;
      await again;
    }
  }
}

/** The outcome of an answer, without the parts that differ between runs. */
function told(answer: Answer): string {
  if (answer.kind === "refused") return answer.rejection.code;
  const { fact } = answer.event;
  return `${answer.replayed ? "again " : ""}${fact.type}${"code" in fact ? ` ${fact.code}` : ""}`;
}

let root: string;
/** Steps of one round are sent concurrently, and touch different accounts. */
let rounds: readonly (readonly Step[])[];
let expected: readonly string[];
let known: readonly LedgerEvent[];

/** States of one ledger's files: an older one, one with a write-ahead log, and the last. */
const snapshots = ["old", "live", "last"] as const;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "payledger-attack-"));
  const folder = join(root, "ledger");
  mkdirSync(folder);
  const accounts: AccountId[] = [];
  const held: Step[] = [];
  let ledger = await openLedger(folder);
  const send = (key: string, command: ClientCommand) => ledger.writer.submit({ caller: operator, key, command });
  const restart = async (snapshot: (typeof snapshots)[number]) => {
    await ledger.close();
    cpSync(folder, join(root, snapshot), { recursive: true });
    ledger = await openLedger(folder);
  };
  const pay = async (first: number, last: number) => {
    for (let n = first; n < last; n++) {
      const [from, to] = [accounts[0], accounts[1 + (n % (ACCOUNTS - 1))]] as [AccountId, AccountId];
      const answer = await send(`pay-${n}`, payment(from, to, 100n, n % 5 ? {} : { capture: "manual" }));
      const { fact } = eventOf(answer);
      if (fact.type !== "PaymentAuthorized") continue;
      const command = { type: "CapturePayment", payment: fact.payment.id, amount: null, final: false } as const;
      held.push({ key: `capture-${n}`, command });
    }
  };
  for (let n = 0; n < ACCOUNTS; n++) {
    accounts.push(accountOf(await send(`open-${n}`, openAccount(`owner-${n}`, n === 0 ? null : 0n))));
  }
  await pay(0, 60);
  await restart("old");
  await pay(60, 120);
  for (const { key, command } of held.slice(0, 5)) await send(key, command);
  cpSync(folder, join(root, "live"), { recursive: true });
  await pay(120, 150);
  await restart("last");
  // Without the epoch that began after the snapshot.
  known = (await allEvents(ledger.log)).slice(0, -1);
  await ledger.close();
  rounds = roundsOn(accounts, held);
  expected = (await attempt("last", () => {})).answers;
}, 120_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** From each account, too much and then everything; captures; and earlier requests under their keys. */
function roundsOn(accounts: readonly AccountId[], held: readonly Step[]): Step[][] {
  const bank = accounts[0] as AccountId;
  const wallets = accounts.slice(1);
  return [
    wallets.map((wallet, n) => ({ key: `million-${n}`, command: payment(wallet, bank, 1_000_000n) })),
    [...held],
    Array.from({ length: 30 }, (_, n) => {
      const [nth, to] = [n * 5 + 1, accounts[1 + ((n * 5 + 1) % (ACCOUNTS - 1))] as AccountId];
      return { key: `pay-${nth}`, command: payment(bank, to, 100n) };
    }),
    wallets.map((wallet, n) => ({ key: `hundred-${n}`, command: payment(wallet, bank, 100n) })),
    wallets.map((wallet, n) => ({ key: `much-${n}`, command: payment(wallet, bank, 1_500n) })),
  ];
}

/** The steps on a copy of the ledger with a damaged state; the log is intact. */
async function attempt(snapshot: (typeof snapshots)[number], damage: (folder: string) => void) {
  const folder = mkdtempSync(join(root, "round-"));
  try {
    cpSync(join(root, snapshot), folder, { recursive: true });
    for (const name of readdirSync(folder)) if (name.startsWith("events")) rmSync(join(folder, name));
    for (const name of readdirSync(join(root, "last"))) {
      if (name.startsWith("events")) cpSync(join(root, "last", name), join(folder, name));
    }
    damage(folder);
    const { writer, serving, close, discarded } = await openLedger(folder);
    const answers: string[] = [];
    for (const steps of rounds) {
      answers.push(...(await Promise.all(steps.map((step) => insist(writer, serving, step)))).map(told));
    }
    await close();
    const again = await openSqliteLog({ file: join(folder, "events.sqlite") });
    const events = await allEvents(again);
    await again.close();
    return { answers, events, discarded };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The non-empty files of the state. */
function stateFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.startsWith("state"))
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile() && statSync(path).size > 0)
    .sort();
}

type Damage = { readonly name: string; do(folder: string, below: (bound: number) => number): void };

function changing(name: string, change: (bytes: Buffer, below: (bound: number) => number) => void): Damage {
  return {
    name,
    do(folder, below) {
      const files = stateFiles(folder);
      const path = files[below(files.length)] ?? "";
      const bytes = readFileSync(path);
      change(bytes, below);
      writeFileSync(path, bytes);
    },
  };
}

function pageOf(bytes: Buffer, below: (bound: number) => number): Buffer {
  const page = below(Math.max(1, Math.floor(bytes.length / PAGE)));
  return bytes.subarray(page * PAGE, (page + 1) * PAGE);
}

function mixing(name: string, from: (typeof snapshots)[number], suffix: "" | "-wal"): Damage {
  return {
    name,
    do(folder) {
      const source = join(root, from, `state.sqlite${suffix}`);
      cpSync(source, join(folder, `state.sqlite${suffix}`));
    },
  };
}

const damages: readonly Damage[] = [
  changing("flipped bits", (bytes, below) => {
    for (let n = 1 + below(8); n > 0; n--) {
      const at = below(bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << below(8));
    }
  }),
  changing("a page of noise", (bytes, below) => {
    const page = pageOf(bytes, below);
    for (let at = 0; at < page.length; at++) page[at] = below(256);
  }),
  changing("a page of zeros", (bytes, below) => void pageOf(bytes, below).fill(0)),
  changing("a page in another's place", (bytes, below) => void pageOf(bytes, below).set(pageOf(bytes, below))),
  changing("two pages swapped", (bytes, below) => {
    const [one, other] = [pageOf(bytes, below), pageOf(bytes, below)];
    const kept = Buffer.from(one);
    one.set(other.subarray(0, one.length));
    other.set(kept.subarray(0, other.length));
  }),
  {
    name: "a file cut off",
    do(folder, below) {
      const files = stateFiles(folder);
      const path = files[below(files.length)] ?? "";
      truncateSync(path, below(statSync(path).size));
    },
  },
  mixing("an older write-ahead log", "live", "-wal"),
  mixing("an older file", "old", ""),
];

test(
  `seed ${SEED}: ${ROUNDS} attacks on a stopped state: nothing wrong is decided, and nothing is lost`,
  async () => {
    const below = seeded(SEED);
    let rebuilt = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const damage = damages[round % damages.length] as Damage;
      const snapshot = snapshots[below(snapshots.length)] ?? "last";
      const what = `seed ${SEED} round ${round}: ${damage.name} on ${snapshot}`;
      const { answers, events, discarded } = await attempt(snapshot, (folder) => damage.do(folder, below));
      expect(answers, what).toEqual(expected);
      expect(events.slice(0, known.length), what).toEqual(known);
      if (discarded.length > 0) rebuilt++;
    }
    // An attack that nothing notices tests nothing.
    expect(rebuilt).toBeGreaterThan(ROUNDS / 4);
  },
  ROUNDS * 5_000,
);
