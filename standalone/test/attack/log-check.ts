import { decodeEvent, holdOf, type LedgerEvent, postingsOf } from "ledger-core";
import { openSqliteLog } from "ledger-core/event-log";
import { at } from "../json.ts";
import type { BookLane } from "./books.ts";
import { Wrong } from "./client.ts";

type Sums = { posted: bigint; held: bigint };

/**
 * Reads a stopped ledger's log from its start and checks its sums independently: every posting must lead to its stated
 * balance, every event must sum to zero, nobody may have paid money that was not there, and no key may have two events.
 * Every answer that a client got must match one event, and every balance the client's books. @throws Wrong
 */
export async function checkLog(file: string, lanes: readonly BookLane[]): Promise<number> {
  const accounts = new Map<string, Sums>();
  const byKey = new Map<string, LedgerEvent>();
  const log = await openSqliteLog({ file });
  let events = 0;
  try {
    for await (const batch of log.read(0, 0)) {
      for (const stored of batch) {
        const event = decodeEvent(stored);
        book(accounts, event);
        const { tenant, sub, key } = event.origin;
        if (key === null) continue;
        const scoped = `${tenant} ${sub} ${key}`;
        if (byKey.has(scoped))
          throw new Wrong(`the key ${key} has two events, ${byKey.get(scoped)?.id} and ${event.id}`);
        byKey.set(scoped, event);
        events++;
      }
    }
  } finally {
    await log.close();
  }
  for (const lane of lanes) {
    for (const { key, text } of lane.answered) {
      const event = byKey.get(`default attack ${key}`);
      if (!event) throw new Wrong(`the key ${key} was answered and is not in the log: ${text}`);
      const id: unknown = at(JSON.parse(text), "id");
      if (typeof id === "string" && !JSON.stringify(event.fact, digits).includes(id)) {
        throw new Wrong(`the key ${key} was answered with ${id}, and its event ${event.id} is of something else`);
      }
    }
    for (const { id, posted, held } of [...lane.wallets, lane.shop]) {
      const sums = accounts.get(id);
      if (sums?.posted === posted && sums.held === held) continue;
      throw new Wrong(`${id} must have ${posted}, ${held} held; by the log it has ${sums?.posted}, ${sums?.held} held`);
    }
  }
  return events;
}

function book(accounts: Map<string, Sums>, event: LedgerEvent): void {
  const sumsOf = (id: string): Sums => {
    const sums = accounts.get(id) ?? { posted: 0n, held: 0n };
    accounts.set(id, sums);
    return sums;
  };
  let total = 0n;
  for (const { account, amount, balance } of postingsOf(event.fact)) {
    const sums = sumsOf(account);
    sums.posted += amount;
    total += amount;
    if (sums.posted !== balance) {
      throw new Wrong(`event ${event.revision} says ${account} has ${balance}, and the log adds up to ${sums.posted}`);
    }
  }
  if (total !== 0n) throw new Wrong(`event ${event.revision} sums to ${total}`);
  const hold = holdOf(event.fact);
  if (!hold) return;
  const sums = sumsOf(hold.account);
  sums.held += hold.amount;
  if (sums.held !== hold.held) {
    throw new Wrong(
      `event ${event.revision} says ${hold.account} holds ${hold.held}, and the log adds up to ${sums.held}`,
    );
  }
}

function digits(_name: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}
