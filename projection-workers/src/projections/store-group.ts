import type { Position, Revision, Shard } from "ledger-core";
import type { StoredEvent } from "ledger-core/event-log";
import { applyEvents } from "../consumer/application.ts";
import type { Verification, VerifyOptions } from "../rebuild/verify.ts";
import type { Projected, Registered } from "./registered.ts";

export type Opened<Connection> = { readonly connection: Connection; close(): Promise<void> };

/** A store to be compared: one database, replica or file. */
export type NamedStore<Connection> = { readonly name: string; open(): Promise<Opened<Connection>> };

/** Stores that hold the same projections in the same form, such as a primary and its replicas. */
export type StoreGroup = {
  readonly stores: readonly string[];
  /** Where a store is: the lowest of its projections, per shard. @throws LedgerError of the store */
  positions(store: string, shards: readonly Shard[]): Promise<readonly Position[]>;
  /** Opens an empty build of the group's projections in a file, to be filled from the log. */
  openExpected(file: string): Promise<ExpectedBuild>;
};

/** A second build of a group's projections, made from the log, which the group's stores are compared with in turn. */
export type ExpectedBuild = {
  /** Applies the next events of a shard. */
  apply(shard: Shard, events: readonly StoredEvent[]): Promise<void>;
  /** Compares one projection of a store, which must be at or after the build's position. */
  compare(store: string, options: VerifyOptions): Promise<readonly NamedVerification[]>;
  close(): Promise<void>;
};

export type NamedVerification = Verification & { readonly projection: string };

/** @param openScratch opens an empty store in a file */
export function storeGroup<Connection>(
  registered: readonly Registered<Connection>[],
  stores: readonly NamedStore<Connection>[],
  openScratch: (file: string) => Promise<Opened<Connection>>,
): StoreGroup {
  const opened = (store: string) => {
    const found = stores.find(({ name }) => name === store);
    if (!found) throw new RangeError(`${store} is not in this group`);
    return found.open();
  };
  return {
    stores: stores.map(({ name }) => name),
    async positions(store, shards) {
      const { connection, close } = await opened(store);
      try {
        return await lowestPositions(registered, connection, shards);
      } finally {
        await close();
      }
    },
    async openExpected(file) {
      const scratch = await openScratch(file);
      const builds = registered.map((one) => one.open(scratch.connection));
      return {
        apply: async (shard, events) => {
          for (const build of builds) await applyTo(build, shard, events);
        },
        async compare(store, options) {
          const results: NamedVerification[] = [];
          const { connection, close } = await opened(store);
          try {
            for (const one of registered)
              results.push({ projection: one.name, ...(await one.verify(connection, scratch.connection, options)) });
          } finally {
            await close();
          }
          return results;
        },
        async close() {
          for (const build of builds) await build.close();
          await scratch.close();
        },
      };
    },
  };
}

async function lowestPositions<Connection>(
  registered: readonly Registered<Connection>[],
  connection: Connection,
  shards: readonly Shard[],
): Promise<readonly Position[]> {
  const lowest = new Map<Shard, Revision>();
  for (const one of registered) {
    const projected = one.open(connection);
    try {
      for (const shard of shards) {
        const revision = await projected.use((_, store) => store.checkpoint(shard));
        lowest.set(shard, Math.min(revision, lowest.get(shard) ?? revision));
      }
    } finally {
      await projected.close();
    }
  }
  return [...lowest].map(([shard, revision]) => ({ shard, revision }));
}

/** Applies the next events of a shard to a build. */
export function applyTo(build: Projected, shard: Shard, events: readonly StoredEvent[]): Promise<unknown> {
  const batchMax = () => events.length;
  return build.use(async (projection, target) =>
    applyEvents({ shard, projection, target, batchMax }, await target.checkpoint(shard), events),
  );
}
