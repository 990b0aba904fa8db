import type { Entry } from "../../../domain/entries.ts";
import { LedgerError, unreachable } from "../../../domain/errors.ts";
import { type AccountId, readId } from "../../../domain/ids.ts";
import { NO_REVISION, type Shard } from "../../../domain/position.ts";
import type { ProjectionTarget } from "../../../ports/projection.ts";
import { SESSION_MOVEMENTS_MAX, type SessionChange } from "../../../ports/session-view.ts";
import type { RedisArgument, RedisClient } from "../client.ts";
import type { RedisScript } from "../script.ts";
import { accountText, entryText } from "./rows.ts";
import { checkpointScript } from "./scripts.ts";

export type SessionTargetOptions = {
  readonly redis: Pick<RedisClient, "run">;
  /** The key of a shard's views. */
  readonly key: (shard: Shard) => string;
  readonly generation: string;
  /** Whether readers use it: then it must still be the one that they use. */
  readonly served: boolean;
  readonly applyScript: RedisScript;
};

/** One generation of session views as a projection writes it. */
export function sessionTarget(options: SessionTargetOptions): ProjectionTarget<SessionChange> {
  const { redis, key, generation, served, applyScript } = options;
  return {
    async checkpoint(shard) {
      const revision = await redis.run(checkpointScript, [key(shard)], [generation]);
      return revision === null ? NO_REVISION : Number(revision);
    },
    async apply(shard, after, upTo, changes) {
      const args = [generation, after, upTo, served ? "1" : "", ...batchArguments(changes)];
      const outcome = await redis.run(applyScript, [key(shard)], args);
      switch (outcome) {
        case "applied":
          return;
        case "gap":
          throw new LedgerError("revision_gap", `session views of shard ${shard} are not at ${after}`);
        case "lost":
          throw new LedgerError("store_damaged", `session views of shard ${shard} have lost keys`);
        case "replaced":
          throw replaced(shard);
        default:
          throw new LedgerError("poison_event", `account ${String(outcome)} was never opened`);
      }
    },
  };
}

/** A rebuild has switched: the projection goes on in the generation that is served now. */
export function replaced(shard: Shard): LedgerError {
  return new LedgerError("not_ready", `session views of shard ${shard} are served from another generation`);
}

/** What a batch changes of an account; empty: nothing. In the order of the script's arguments. */
type Touched = { posted: string; held: string; status: string; entry: string };

/** Accounts opened (4 arguments each), changed (6) and movements (2), behind their numbers. */
function batchArguments(changes: readonly SessionChange[]): RedisArgument[] {
  const opened: RedisArgument[] = [];
  const touched = new Map<AccountId, Touched>();
  const moves: Entry[] = [];
  const touch = (id: AccountId): Touched => {
    const known = touched.get(id);
    if (known) return known;
    const fresh: Touched = { posted: "", held: "", status: "", entry: "" };
    touched.set(id, fresh);
    return fresh;
  };
  for (const change of changes) {
    switch (change.kind) {
      case "account": {
        const { id, tenant, owner, status, balances } = change.account;
        opened.push(id, `${tenant}/${owner}`, accountText(change.account), idleScore(id));
        const { posted, held } = balances;
        Object.assign(touch(id), { status, posted: posted.toString(), held: held.toString() });
        break;
      }
      case "status":
        touch(change.account).status = change.status;
        break;
      case "balances": {
        const { posted, held } = change.balances;
        const one = touch(change.account);
        if (posted !== undefined) one.posted = posted.toString();
        if (held !== undefined) one.held = held.toString();
        break;
      }
      case "movement": {
        const { entry } = change;
        touch(entry.account).entry = entry.id;
        moves.push(entry);
        break;
      }
      default:
        unreachable(change);
    }
  }
  const last = lastOfEach(moves);
  const args: RedisArgument[] = [opened.length / 4, touched.size, last.length, ...opened];
  for (const [id, { posted, held, status, entry }] of touched)
    args.push(id, posted, held, status, entry, entry === "" ? "" : entryScore(entry));
  for (const entry of last) args.push(entry.account, entryText(entry));
  return args;
}

/** The last movements of each account, in their order: no view shows more of one account. */
function lastOfEach(moves: readonly Entry[]): Entry[] {
  const seen = new Map<AccountId, number>();
  const kept: Entry[] = [];
  for (const move of moves.toReversed()) {
    const count = (seen.get(move.account) ?? 0) + 1;
    seen.set(move.account, count);
    if (count <= SESSION_MOVEMENTS_MAX) kept.push(move);
  }
  return kept.reverse();
}

/** Entries of one event, and so their indexes, are fewer. */
const ENTRIES_OF_EVENT = 256;

/** Scores order accounts by their newest entry. */
export function entryScore(id: string): number {
  const { revision, salt } = readId(id);
  return revision * ENTRIES_OF_EVENT + salt;
}

/** Below every entry's score; a newer account is above an older one. */
export function idleScore(id: AccountId): number {
  return readId(id).revision - 2 ** 41;
}
