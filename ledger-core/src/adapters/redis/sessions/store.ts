import { randomBytes } from "node:crypto";
import type { Shard } from "../../../domain/position.ts";
import type { ProjectionTarget } from "../../../ports/projection.ts";
import type { SessionChange } from "../../../ports/session-view.ts";
import type { RedisClient } from "../client.ts";
import type { RedisScript } from "../script.ts";
import { makeApplyScript } from "./apply-script.ts";
import { rebuildSessions, type SessionGeneration, type SessionRebuild } from "./rebuild.ts";
import { auditScript, beginScript, serveScript, sweepScript, withdrawScript } from "./scripts.ts";
import { replaced, sessionTarget } from "./target.ts";
import { formerSessionsKey, LEDGER, sessionsKey } from "./view.ts";

/** The session views in Redis as their projection keeps them. Every method may throw `store_unavailable`. */
export type SessionStore = {
  /** The generation to write, never one that is `lost`: the served one, or else one to be filled from the log. */
  begin(shard: Shard, lost?: string): Promise<SessionGeneration>;
  target(of: SessionGeneration): ProjectionTarget<SessionChange>;
  /**
   * Lets readers use a filled generation and removes the others, also those of the former layout. False if another
   * worker's is used already.
   */
  serve(shard: Shard, generation: string): Promise<boolean>;
  /** Stops readers from using a generation that has lost keys. */
  withdraw(shard: Shard, generation: string): Promise<void>;
  /**
   * Looks at a part of a served generation for missing keys; returns where to go on, undefined if some are missing.
   * @throws not_ready when another generation is served
   */
  audit(shard: Shard, generation: string, cursor: string): Promise<string | undefined>;
  /** A rebuild of a shard's views beside the served ones. @throws not_ready while another process rebuilds them */
  rebuild<Result>(shard: Shard, work: (rebuild: SessionRebuild) => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
};

export type SessionStoreOptions = {
  readonly redis: RedisClient;
  /** The first part of every key. Default payledger. */
  readonly ledger?: string;
  /** How many keys an audit or a removal looks at in one step. 1 to 10,000. Default 500. */
  readonly stepKeys?: number;
  /** For tests of the tests. */
  readonly applyScript?: RedisScript;
};

export function openSessionStore(options: SessionStoreOptions): SessionStore {
  const { redis, ledger = LEDGER, stepKeys = 500, applyScript = makeApplyScript() } = options;
  const key = (shard: Shard) => sessionsKey(ledger, shard);
  const run = (script: RedisScript, shard: Shard, ...args: readonly (string | number)[]) =>
    redis.run(script, [key(shard)], args);

  async function sweep(shard: Shard): Promise<void> {
    let cursor = "0";
    do cursor = String(await run(sweepScript, shard, cursor, stepKeys, formerSessionsKey(ledger, shard)));
    while (cursor !== "0");
  }

  const target = (of: SessionGeneration) => sessionTarget({ ...of, redis, key, applyScript });

  return {
    async begin(shard, lost = "") {
      const answer = await run(beginScript, shard, randomBytes(8).toString("hex"), lost);
      const [generation, served] = Array.isArray(answer) ? answer : [];
      return { generation: String(generation), served: served === 1 };
    },
    target,
    async serve(shard, generation) {
      const served = (await run(serveScript, shard, generation)) === 1;
      if (served) await sweep(shard);
      return served;
    },
    withdraw: async (shard, generation) => void (await run(withdrawScript, shard, generation)),
    async audit(shard, generation, cursor) {
      const answer = await run(auditScript, shard, generation, cursor, stepKeys);
      if (answer === null) throw replaced(shard);
      const [next, intact] = Array.isArray(answer) ? answer : [];
      return intact === 1 ? String(next) : undefined;
    },
    rebuild: (shard, work) =>
      rebuildSessions({ shard, run: (script, ...args) => run(script, shard, ...args), target, stepKeys, sweep }, work),
    close: () => redis.close(),
  };
}
