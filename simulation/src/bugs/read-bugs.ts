import type { Knex } from "knex";
import { isLedgerError, type LedgerEvent, type ProjectionTarget, tables } from "ledger-core";
import type { Delivery, EventLog, StoredEvent } from "ledger-core/event-log";
import { type QueryDeps, signedCursors } from "query-service";
import type { PlantedBug } from "./planted-bug.ts";

/** Bugs in projections and queries. */
export const readBugs: readonly PlantedBug[] = [
  {
    name: "checkpoint-outside-transaction",
    what: "the checkpoint is committed before the rows, and a fault comes between them",
    plant: () => ({ target: (target) => splitCommit(target) }),
  },
  {
    name: "batch-border-loses-a-change",
    what: "the last change of a transaction of several events is not written",
    plant: () => ({ target: (target) => losesLast(target) }),
  },
  {
    name: "checkpoint-unguarded",
    what: "a projector that finds the checkpoint moved applies its events all the same",
    plant: () => ({ target: (target) => unguarded(target) }),
  },
  {
    name: "gap-swallowed",
    what: "a missing delivery is ignored",
    plant: () => ({ feed: swallowGaps }),
  },
  {
    name: "poison-event-skipped",
    what: "an event that cannot be projected is skipped",
    plant: () => ({
      // Without the separate path for charges, so that every event goes through the one that skips.
      projection: ({ projectCharge: _, ...projection }) => ({
        ...projection,
        project(event: LedgerEvent) {
          try {
            return projection.project(event);
          } catch {
            return [];
          }
        },
      }),
    }),
  },
  {
    name: "release-not-projected",
    what: "an authorization that expired is still held in the projections",
    plant: () => ({
      projection: (projection) => ({
        ...projection,
        project: (event: LedgerEvent) => (event.fact.type === "PaymentExpired" ? [] : projection.project(event)),
      }),
    }),
  },
  {
    name: "refund-not-retracted",
    what: "a payment that was refunded in full still counts for its merchant in recommendations",
    plant: () => ({
      projection: (projection) => ({
        ...projection,
        project: (event: LedgerEvent) =>
          projection.name === "graph" && event.fact.type === "PaymentRefunded" ? [] : projection.project(event),
      }),
    }),
  },
  {
    name: "older-replica-served",
    what: "a gateway drops the position that a query asks for",
    plant: () => ({
      headers: (headers) => Object.fromEntries(Object.entries(headers).filter(([name]) => name !== "ledger-position")),
    }),
  },
  {
    name: "position-of-another-store",
    what: "the position is read from the primary, the rows from the replica",
    plant: () => ({ models: (_routed, stores) => splitReads(stores.models, stores.replica) }),
  },
  {
    name: "cursor-skips-equal-timestamps",
    what: "a cursor keeps the event of a page's last entry, but not its place among that event's entries",
    plant: () => ({ queries: (deps) => sealing(deps, (key) => key.replace(/^(\d+)\.\d+/, "$1.0")) }),
  },
  {
    name: "cursor-without-position",
    what: "the next page may come from a replica that is behind the previous page's",
    plant: () => ({ queries: (deps) => sealing(deps, (key) => key.replace(/ .*$/, "")) }),
  },
  {
    name: "index-misses-a-row",
    what: "an authorization is not listed under its second account",
    plant: () => ({ target: (target) => changing(target, withoutPayees) }),
  },
  {
    name: "merge-doubles-a-row",
    what: "a history that is merged from several runs shows an entry again for each later run",
    plant: () => ({
      models: (routed) => rewriting(routed, (text) => text.replaceAll("e.run = r.run", "e.run <= r.run")),
    }),
  },
  {
    name: "view-disagrees",
    what: "the view of payments shows them as they were made",
    plant: () => ({ views: (texts) => texts.map((text) => text.replace("COALESCE(s.refunded, 0)", "0")) }),
  },
  {
    name: "wait-cut-short",
    what: "a query that may wait for its position gives up at once",
    plant: () => ({
      queries: ({ runtime, ...deps }) =>
        runtime ? { ...deps, runtime: { ...runtime, elapsedMs: hurrying(runtime.elapsedMs) } } : deps,
    }),
  },
];

function changing<Change>(
  target: ProjectionTarget<Change>,
  change: (changes: readonly Change[], events: number) => readonly Change[],
): ProjectionTarget<Change> {
  return {
    checkpoint: (shard) => target.checkpoint(shard),
    apply: (shard, after, upTo, changes) => target.apply(shard, after, upTo, change(changes, upTo - after)),
  };
}

/** Drops every second authorization: each payment has one for its payer and one for its payee. */
function withoutPayees<Change>(changes: readonly Change[]): readonly Change[] {
  let authorizations = 0;
  return changes.filter((change) => {
    const isOne = typeof change === "object" && change !== null && "kind" in change && change.kind === "authorization";
    return !isOne || ++authorizations % 2 === 1;
  });
}

/** Models whose raw statements are changed before they run. */
function rewriting(models: Knex, change: (text: string) => string): Knex {
  return running(models, (db, text, ...values) => db.raw(change(text), ...values));
}

/** Runs statements in another way, inside transactions, too. */
function running(models: Knex, run: (db: Knex, text: string, ...values: []) => Knex.Raw): Knex {
  return new Proxy(models, {
    get(target, name) {
      if (name === "raw") return (text: string, ...values: []) => run(target, text, ...values);
      if (name !== "transaction") return Reflect.get(target, name);
      return (work: (trx: Knex) => Promise<unknown>) => target.transaction((trx) => work(running(trx, run)));
    },
  });
}

function splitCommit<Change>(target: ProjectionTarget<Change>): ProjectionTarget<Change> {
  let applies = 0;
  return {
    checkpoint: (shard) => target.checkpoint(shard),
    apply: (shard, after, upTo, changes) => target.apply(shard, after, upTo, ++applies % 10 === 0 ? [] : changes),
  };
}

function losesLast<Change>(target: ProjectionTarget<Change>): ProjectionTarget<Change> {
  return {
    checkpoint: (shard) => target.checkpoint(shard),
    apply: (shard, after, upTo, changes) =>
      target.apply(shard, after, upTo, upTo - after > 1 ? changes.slice(0, -1) : changes),
  };
}

function unguarded<Change>(target: ProjectionTarget<Change>): ProjectionTarget<Change> {
  return {
    checkpoint: (shard) => target.checkpoint(shard),
    async apply(shard, after, upTo, changes) {
      try {
        await target.apply(shard, after, upTo, changes);
      } catch (error) {
        if (!isLedgerError(error, "revision_gap")) throw error;
        await target.apply(shard, await target.checkpoint(shard), upTo, changes);
      }
    },
  };
}

/** Fills every gap with an event that changes nothing. */
function swallowGaps(log: EventLog): EventLog {
  return { ...log, subscribe: (shard, from, signal) => filled(log.subscribe(shard, from, signal), from) };
}

async function* filled(deliveries: AsyncIterable<Delivery>, from: number): AsyncGenerator<Delivery> {
  let next = from;
  const nothing = new TextEncoder().encode(
    '{"origin":{"tenant":"","sub":"","key":null,"print":null},"epoch":1,"salt":1}',
  );
  for await (const delivery of deliveries) {
    if (delivery.kind !== "events") yield delivery;
    else {
      const events: StoredEvent[] = [];
      for (const event of delivery.events) {
        for (; next < event.revision; next++) {
          events.push({ ...event, revision: next, type: "WriterEpochStarted", version: 1, data: nothing });
        }
        events.push(event);
        next = Math.max(next, event.revision + 1);
      }
      yield { kind: "events", events };
    }
  }
}

/** A transaction whose bookkeeping statements go to one store and all others to another. */
function splitReads(primary: Knex, replica: Knex): Knex {
  return running(replica, (db, text, ...values) =>
    (text.includes(tables.modelVersions) ? primary : db).raw(text, ...values),
  );
}

function sealing(deps: QueryDeps, change: (lastKey: string) => string): QueryDeps {
  const cursors = signedCursors(deps.cursorKey);
  return { ...deps, cursors: { ...cursors, seal: (scope, lastKey) => cursors.seal(scope, change(lastKey)) } };
}

/** A clock that is an hour later each time it is read. */
function hurrying(elapsedMs: () => number): () => number {
  let asked = 0;
  return () => elapsedMs() + 3_600_000 * asked++;
}
