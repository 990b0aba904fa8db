import type { Account } from "../../../domain/account.ts";
import type { Entry } from "../../../domain/entries.ts";
import type { Position, Shard } from "../../../domain/position.ts";
import {
  SESSION_ACCOUNTS_MAX,
  SESSION_MOVEMENTS_MAX,
  type Session,
  type SessionView,
} from "../../../ports/session-view.ts";
import type { RedisClient } from "../client.ts";
import { readAccount, readEntry } from "./rows.ts";
import { readScript, servedScript } from "./scripts.ts";

export const LEDGER = "payledger";

/** A shard's views share a hash tag, and so a slot of a cluster. */
export function sessionsKey(ledger: string, shard: Shard): string {
  return `{${ledger}:${shard}}:session-views`;
}

/** Where the first layout lay: each has a key of its own, so programs of two releases do not misread each other. */
export function formerSessionsKey(ledger: string, shard: Shard): string {
  return `{${ledger}:${shard}}:sessions`;
}

export type SessionViewOptions = {
  readonly redis: RedisClient;
  /** The first part of every key. Default payledger. */
  readonly ledger?: string;
  readonly shards: number;
};

/**
 * Session views as queries read them, over all shards. While any shard has none, or one with missing keys, a session is
 * empty and has no positions, like that of an empty store. @throws store_unavailable, store_damaged
 */
export function openSessionView({ redis, ledger = LEDGER, shards }: SessionViewOptions): SessionView {
  const all = Array.from({ length: shards }, (_, shard) => shard);
  return {
    async positions() {
      const keys = all.map((shard) => redis.run(servedScript, [sessionsKey(ledger, shard)], []));
      const served = await Promise.all(keys);
      if (!served.every(Array.isArray)) return [];
      return served.map((answer, shard) => ({ shard, revision: Number(answer[1]) }));
    },
    async read(tenant, owner) {
      const keys = all.map((shard) => redis.run(readScript, [sessionsKey(ledger, shard)], [`${tenant}/${owner}`]));
      const answers = await Promise.all(keys);
      if (!answers.every(Array.isArray)) return { accounts: [], moreAccounts: false, movements: [], positions: [] };
      return merge(answers.map((answer, shard) => readPart(tenant, shard, answer)));
    },
    close: () => redis.close(),
  };
}

/** A shard's part of a session; `order` sorts accounts as the port says. */
type SessionPart = {
  readonly position: Position;
  readonly count: number;
  readonly accounts: readonly { readonly account: Account; readonly order: string }[];
  readonly movements: readonly Entry[];
};

function readPart(tenant: string, shard: Shard, answer: readonly unknown[]): SessionPart {
  const [revision, count, accounts, movements] = answer;
  return {
    position: { shard, revision: Number(revision) },
    count: Number(count),
    accounts: listOf(accounts).map((found) => {
      const { account, newest } = readAccount(tenant, listOf(found));
      return { account, order: `${newest}${account.id}` };
    }),
    movements: listOf(movements).map((text) => readEntry(tenant, text)),
  };
}

function merge(parts: readonly SessionPart[]): Session {
  const latest = parts.flatMap(({ accounts }) => accounts).sort((a, b) => (a.order < b.order ? 1 : -1));
  const movements = parts.flatMap((part) => part.movements).sort((a, b) => (a.id < b.id ? 1 : -1));
  return {
    accounts: latest.slice(0, SESSION_ACCOUNTS_MAX).map(({ account }) => account),
    moreAccounts: parts.reduce((sum, { count }) => sum + count, 0) > SESSION_ACCOUNTS_MAX,
    movements: movements.slice(0, SESSION_MOVEMENTS_MAX),
    positions: parts.map(({ position }) => position),
  };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
