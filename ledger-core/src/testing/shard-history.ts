import type { LedgerEvent } from "../domain/events.ts";
import type { Shard } from "../domain/position.ts";
import { randomHistory } from "./random-history.ts";

/**
 * A random history of a shard, in which accounts are as old as the events that opened them.
 * @param shard 0 to 31
 */
export function shardHistory(shard: Shard, seed: number, commands: number): readonly LedgerEvent[] {
  const history = randomHistory(seed, commands).map(openedInTime);
  return shard === 0 ? history : history.map((event) => moved(event, shard));
}

/** Example accounts have been open for a day; in a log, an account is as old as the event that opened it. */
function openedInTime(event: LedgerEvent): LedgerEvent {
  return event.fact.type === "AccountOpened" ? { ...event, at: event.fact.account.openedAt } : event;
}

/** An event of shard 0 moved to another: two characters of its ids hold the shard. */
function moved(event: LedgerEvent, shard: Shard): LedgerEvent {
  const digits = `0${"0123456789abcdefghjkmnpqrstvwxyz"[shard]}`;
  const inShard = (value: unknown): unknown => {
    if (typeof value === "string") return value.replace(/^([a-z]{3,4}_[0-9a-z]{10})00([0-9a-z]{14})$/, `$1${digits}$2`);
    if (Array.isArray(value)) return value.map(inShard);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, inShard(inner)]));
  };
  return { ...event, ...Object(inShard(event)), shard };
}
