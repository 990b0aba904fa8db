import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { openRevocationFile } from "../adapters/sqlite/revocation-file.ts";
import { isLedgerError } from "../domain/errors.ts";
import type { QuotaCounts } from "../ports/quota-counts.ts";
import type { RevocationStore } from "../ports/revocations.ts";
import { makeClosers } from "../process/lifecycle.ts";
import type { Logger } from "../process/log.ts";
import type { RedisTarget } from "../process/redis-part.ts";
import { withOwnRevocations } from "./own-revocations.ts";
import { openQuotas, type QuotaPolicies, type Quotas } from "./quotas.ts";
import { followRevocations, type RevocationList, type RevocationTuning } from "./revocation-list.ts";

/** Callers are limited by revoked tokens and by quotas. */
export type CallerLimits = {
  readonly revocations: RevocationList;
  readonly quotas: Quotas;
  close(): Promise<void>;
};

export type CallerLimitsOptions = {
  /** Where services share them. Default: revoked tokens in `file`, and each process counts by itself. */
  readonly target?: RedisTarget;
  /** With a `target`, a copy of the tokens that this process has revoked. */
  readonly file: string;
  /** Whether this process revokes tokens, or only follows the list. */
  readonly writes: boolean;
  readonly policies: QuotaPolicies;
  readonly tuning?: RevocationTuning;
  readonly logger: Logger;
};

/** Opens them; a store that cannot be reached now is tried again. */
export async function openCallerLimits(options: CallerLimitsOptions): Promise<CallerLimits> {
  const { policies, tuning, logger } = options;
  const closers = makeClosers();
  const { store, counts, writes } = await openStores(options);
  const revocations = followRevocations({
    ...{ ...tuning, store, writes },
    onFault: (fault) => logger.warn({ err: fault }, "the revoked tokens cannot be read"),
  });
  closers.push(revocations.close);
  const quotas = openQuotas({ policies, ...(counts && { shared: counts }) });
  closers.push(quotas.close);
  // Without the list no token is accepted, and readiness says so.
  await revocations.refresh().catch((error: unknown) => {
    if (!isLedgerError(error)) throw error;
  });
  return { revocations, quotas, close: closers.close };
}

/** Reads the revoked tokens once. @throws LedgerError revocations_unavailable */
export async function tryLimits(target: RedisTarget, file: string): Promise<void> {
  const { store } = await openStores({ target, file, writes: false });
  try {
    await store.read(undefined);
  } finally {
    await store.close();
  }
}

type Stores = { readonly store: RevocationStore; readonly counts?: QuotaCounts; readonly writes: boolean };

/** Loads the client of Redis only where it is used. */
async function openStores(options: Pick<CallerLimitsOptions, "target" | "file" | "writes">): Promise<Stores> {
  const { target = { kind: "none" }, file, writes } = options;
  if (target.kind === "none") return { store: openRevocationFile({ file, writes }), writes };
  const { connectRedis, openRedisQuotaCounts, openRedisRevocations } = await import("../adapters/redis/index.ts");
  // Each has a connection of its own, so that counts never wait for revocations, nor the other way round.
  const shared = openRedisRevocations(connectRedis("revoked tokens", target));
  // A folder that cannot be made shows as a file that cannot be written.
  if (writes) await mkdir(dirname(file), { recursive: true }).catch(() => undefined);
  return {
    store: writes ? withOwnRevocations(shared, openRevocationFile({ file, writes })) : shared,
    counts: openRedisQuotaCounts(connectRedis("quotas", target)),
    // Every service restores what Redis lost: the one that revoked may have ended.
    writes: true,
  };
}
