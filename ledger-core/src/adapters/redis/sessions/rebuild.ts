import { randomBytes } from "node:crypto";
import { LedgerError } from "../../../domain/errors.ts";
import type { Shard } from "../../../domain/position.ts";
import type { ProjectionTarget } from "../../../ports/projection.ts";
import type { SessionChange } from "../../../ports/session-view.ts";
import type { RedisScript } from "../script.ts";
import {
  buildScript,
  claimScript,
  compareAgainScript,
  compareScript,
  giveUpScript,
  releaseScript,
  replaceScript,
} from "./rebuild-scripts.ts";

/** A new generation of a shard's session views, beside the served one. Every method may throw `store_unavailable`. */
export type SessionRebuild = {
  /** Aborts with a LedgerError when another process may rebuild. */
  readonly lost: AbortSignal;
  readonly served: ProjectionTarget<SessionChange>;
  readonly next: ProjectionTarget<SessionChange>;
  /** The owners of both generations, and those among them who differ, at whatever revisions. */
  compare(): Promise<{ readonly owners: number; readonly differing: readonly string[] }>;
  /** Those of these owners who differ, and whether both generations were at the same revision. */
  compareAgain(owners: readonly string[]): Promise<{ readonly sameRevision: boolean; readonly differing: string[] }>;
  /** Serves the new generation and removes the other. False while it is behind it. @throws not_ready */
  switch(): Promise<boolean>;
};

/** A build of a shard's session views. `served`: readers use it. */
export type SessionGeneration = { readonly generation: string; readonly served: boolean };

type Rebuilt = {
  readonly shard: Shard;
  readonly run: (script: RedisScript, ...args: readonly (string | number)[]) => Promise<unknown>;
  readonly target: (of: SessionGeneration) => ProjectionTarget<SessionChange>;
  readonly stepKeys: number;
  /** Removes the keys of generations that are neither served nor being built. */
  readonly sweep: (shard: Shard) => Promise<void>;
};

/** Without a sign of life for so long, a rebuild counts as interrupted, in ms. */
const CLAIM_MS = 15_000;
const RENEW_MS = 3000;
/** The most owners that one script compares. */
const AGAIN_MAX = 200;

export async function rebuildSessions<Result>(
  options: Rebuilt,
  work: (rebuild: SessionRebuild) => Promise<Result>,
): Promise<Result> {
  const { run, shard } = options;
  const token = randomBytes(8).toString("hex");
  const claim = async () => {
    if ((await run(claimScript, token, CLAIM_MS)) !== 1)
      throw new LedgerError("not_ready", `session views of shard ${shard}: another rebuild is under way`);
  };
  await claim();
  const lost = new AbortController();
  let renewedMs = performance.now();
  const renew = async () => {
    try {
      await claim();
      renewedMs = performance.now();
    } catch (error) {
      if (!(error instanceof LedgerError && error.code === "store_unavailable")) lost.abort(error);
      else if (performance.now() - renewedMs > CLAIM_MS - 2 * RENEW_MS) lost.abort(error);
    }
  };
  let renewal = Promise.resolve();
  const renewing = setInterval(() => (renewal = renewal.then(renew)), RENEW_MS);
  try {
    return await beside(options, lost.signal, work);
  } finally {
    clearInterval(renewing);
    await renewal;
    await run(releaseScript, token).catch(() => undefined);
  }
}

async function beside<Result>(
  { run, shard, target, stepKeys, sweep }: Rebuilt,
  lost: AbortSignal,
  work: (rebuild: SessionRebuild) => Promise<Result>,
): Promise<Result> {
  const generation = randomBytes(8).toString("hex");
  const live = await run(buildScript, generation);
  if (typeof live !== "string")
    throw new LedgerError("not_ready", `session views of shard ${shard} are being filled from the log anyway`);
  // Left by an interrupted rebuild.
  await sweep(shard);

  const comparePart = async (of: string, differing: Set<string>): Promise<number> => {
    let owners = 0;
    let cursor = "0";
    do {
      const [next, looked, found] = parts(await run(compareScript, live, generation, of, cursor, stepKeys));
      cursor = String(next);
      owners += Number(looked);
      for (const owner of parts(found)) differing.add(String(owner));
    } while (cursor !== "0" && !lost.aborted);
    return owners;
  };

  try {
    return await work({
      lost,
      served: target({ generation: live, served: true }),
      next: target({ generation, served: false }),
      async compare() {
        const differing = new Set<string>();
        // The index of the served one has owners whom the new one lacks, and the other way round.
        await comparePart(live, differing);
        return { owners: await comparePart(generation, differing), differing: [...differing] };
      },
      async compareAgain(owners) {
        const differing: string[] = [];
        let sameRevision = true;
        for (let from = 0; from < owners.length; from += AGAIN_MAX) {
          const some = owners.slice(from, from + AGAIN_MAX);
          const [same, found] = parts(await run(compareAgainScript, live, generation, ...some));
          sameRevision &&= same === 1;
          differing.push(...parts(found).map(String));
        }
        return { sameRevision, differing };
      },
      async switch() {
        const outcome = await run(replaceScript, live, generation);
        if (outcome === "replaced")
          throw new LedgerError("not_ready", `session views of shard ${shard} were lost or replaced meanwhile`);
        if (outcome === "served") await sweep(shard);
        return outcome === "served";
      },
    });
  } catch (error) {
    await run(giveUpScript, generation).catch(() => undefined);
    throw error;
  }
}

function parts(answer: unknown): readonly unknown[] {
  return Array.isArray(answer) ? answer : [];
}
