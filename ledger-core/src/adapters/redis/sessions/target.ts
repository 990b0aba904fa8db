import type { Entry } from "../../../domain/entries.ts";
import { LedgerError, unreachable } from "../../../domain/errors.ts";
import type { AccountId } from "../../../domain/ids.ts";
import { NO_REVISION, type Shard } from "../../../domain/position.ts";
import type { ProjectionTarget } from "../../../ports/projection.ts";
import { SESSION_MOVEMENTS_MAX, type SessionChange } from "../../../ports/session-view.ts";
import type { RedisArgument, RedisClient } from "../client.ts";
import type { RedisScript } from "../script.ts";
import { packTexts } from "./packed.ts";
import { accountText, balanceText, entryText, OPEN } from "./rows.ts";
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
  const prepared = new WeakMap<readonly SessionChange[], readonly RedisArgument[]>();
  return {
    prepare: (changes) => void prepared.set(changes, batchArguments(changes)),
    async checkpoint(shard) {
      const revision = await redis.run(checkpointScript, [key(shard)], [generation]);
      return revision === null ? NO_REVISION : Number(revision);
    },
    async apply(shard, after, upTo, changes) {
      const batch = prepared.get(changes) ?? batchArguments(changes);
      const args = [generation, after, upTo, served ? "1" : "", ...batch];
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

/** How many accounts are opened and fields changed; these (3 and 2 texts each) and movements in their order, packed. */
function batchArguments(changes: readonly SessionChange[]): RedisArgument[] {
  const opened: string[] = [];
  const fields = new Map<string, string>();
  const moves: Entry[] = [];
  for (const change of changes) {
    switch (change.kind) {
      case "account": {
        const { id, tenant, owner, status, balances } = change.account;
        opened.push(id, `${tenant}/${owner}`, accountText(change.account));
        fields.set(id, balanceText(balances.posted, ""));
        if (balances.held > 0n) fields.set(`h:${id}`, `${balances.held}`);
        if (status !== OPEN) fields.set(`s:${id}`, status);
        break;
      }
      case "status":
        fields.set(`s:${change.account}`, change.status);
        break;
      case "held":
        fields.set(`h:${change.account}`, `${change.held}`);
        break;
      case "movement":
        moves.push(change.entry);
        break;
      default:
        unreachable(change);
    }
  }
  const moved = lastOfEach(moves).map(entryText);
  return [opened.length / 3, fields.size, packTexts([...opened, ...[...fields].flat(), ...moved])];
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
