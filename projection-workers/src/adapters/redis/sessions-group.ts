import type { RedisConnection } from "ledger-core/redis";
import { connectRedis, openSessionListing } from "ledger-core/redis";
import { register } from "../../projections/registered.ts";
import { sessionProjection } from "../../projections/session/projection.ts";
import { applyTo, type StoreGroup } from "../../projections/store-group.ts";
import { makeFiller } from "../../rebuild/filling.ts";
import { findingOf, type RowFinding } from "../../rebuild/verify.ts";
import { compareSessions } from "./compared-sessions.ts";
import { openSessionsFile } from "./sessions-file.ts";

/** The session views in Redis, as a store to be compared with the log. They are only read. */
export function sessionsGroup(name: string, connection: RedisConnection): StoreGroup {
  const opened = () => openSessionListing(connectRedis("session views", connection));
  return {
    stores: [name],
    async positions(_, shards) {
      const listing = opened();
      try {
        return await Promise.all(
          shards.map(async (shard) => ({ shard, revision: (await listing.served(shard)).revision })),
        );
      } finally {
        await listing.close();
      }
    },
    async openExpected(file) {
      const expected = openSessionsFile(file);
      const build = register(sessionProjection, () => expected.store).open(undefined);
      return {
        apply: async (shard, events) => void (await applyTo(build, shard, events)),
        async compare(_, options) {
          const { log, shards } = options;
          const filler = makeFiller(sessionProjection, options, () => undefined);
          const listing = opened();
          try {
            const fill = (shard: number, upTo: number) => filler(expected.store, shard, upTo);
            const { differences, ...compared } = await compareSessions({ listing, expected, fill }, shards);
            const findings: RowFinding[] = [];
            for (const difference of differences) findings.push(await findingOf(log, difference));
            const verdict = compared.differing > 0 ? "differs" : "equal";
            return [{ projection: build.name, verdict, ...compared, findings, faults: [] }];
          } finally {
            await listing.close();
          }
        },
        close: async () => expected.close(),
      };
    },
  };
}
