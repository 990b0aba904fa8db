import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type AccountId,
  type Amount,
  assert,
  type Caller,
  type ClientCommand,
  type Currency,
  decodeEvent,
  type LedgerEvent,
  type MakePayment,
  parseCurrency,
} from "ledger-core";
import { type EventLog, openSqliteLog } from "ledger-core/event-log";
import { onTestFinished } from "vitest";
import type { Answer, BulkItem, Writer } from "../writer-port.ts";
import { openWriter, type WriterOptions } from "./writer.ts";

export const operator: Caller = { tenant: "t1", role: "operator", sub: "op" };

function currency(code: string): Currency {
  const parsed = parseCurrency(code);
  assert(parsed, `${code} is a currency`);
  return parsed;
}
export const HKD = currency("HKD");

export function openAccount(
  owner: string,
  floor: Amount | null = 0n,
  type: "wallet" | "merchant" | "bank" = "wallet",
): ClientCommand {
  const limits = { floor, perTransaction: null, perDay: null };
  const texts = { owner, displayName: null, timeZone: "UTC" };
  return { type: "OpenAccount", accountType: type, currency: HKD, ...texts, limits, metadata: {} };
}

export function payment(
  payer: AccountId,
  payee: AccountId,
  amount: Amount,
  more: Partial<MakePayment> = {},
): MakePayment {
  const rest = { capture: "automatic", reference: null, expiresAt: null, metadata: {} } as const;
  return { type: "MakePayment", payer, payee, amount, currency: HKD, ...rest, ...more };
}

export function bulkItem(key: string, command: ClientCommand): BulkItem {
  return { kind: "command", key, command };
}

/** The answering event of a recorded answer. */
export function eventOf(answer: Answer): LedgerEvent {
  assert(answer.kind === "recorded", `recorded: ${answer.kind === "refused" ? answer.rejection.code : ""}`);
  return answer.event;
}

export function accountOf(answer: Answer): AccountId {
  const { fact } = eventOf(answer);
  assert(fact.type === "AccountOpened", fact.type);
  return fact.account.id;
}

export async function allEvents(log: EventLog): Promise<LedgerEvent[]> {
  const events: LedgerEvent[] = [];
  for await (const batch of log.read(0, 0)) events.push(...batch.map((stored) => decodeEvent(stored)));
  return events;
}

/** A writer on a real SQLite log in a temporary folder; everything is closed and removed after the test. */
export async function writerFixture(
  options: Partial<WriterOptions> & { wrap?: (log: EventLog) => EventLog; maxPages?: number } = {},
) {
  const folder = mkdtempSync(join(tmpdir(), "payledger-writer-"));
  const file = { file: join(folder, "events.sqlite"), ...(options.maxPages ? { maxPages: options.maxPages } : {}) };
  const log = await openSqliteLog(file);
  const stateFile = join(folder, "state.sqlite");
  const wrapped = options.wrap?.(log) ?? log;
  const writers: Writer[] = [];
  const start = async (more: Partial<WriterOptions> = {}) => {
    const writer = await openWriter({ log: wrapped, shard: 0, stateFile, expiryEveryMs: 0, ...options, ...more });
    writers.push(writer);
    return writer;
  };
  onTestFinished(async () => {
    for (const writer of writers) await writer.stop();
    await log.close();
    rmSync(folder, { recursive: true, force: true });
  });
  let keys = 0;
  const send = (writer: Writer, command: ClientCommand, key = `key-${++keys}`, caller = operator) =>
    writer.submit({ caller, key, command });
  const open = async (writer: Writer, owner: string, floor: Amount | null = 0n) =>
    accountOf(await send(writer, openAccount(owner, floor), `open-${owner}`));
  return { log, wrapped, stateFile, folder, start, send, open };
}
