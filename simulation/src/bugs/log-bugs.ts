import { isLedgerError, type Revision } from "ledger-core";
import type { EventLog, Events } from "ledger-core/event-log";
import type { PlantedBug } from "./planted-bug.ts";

type Append = EventLog["append"];

/** Bugs in how a writer uses its log, planted between the two. */
export const logBugs: readonly PlantedBug[] = [
  {
    name: "refreshed-revision-on-resend",
    what: "an append of unknown outcome is sent again with the head of the moment as the expected revision",
    plant: () => ({ log: (log) => appending(log, refreshedOnResend(log)) }),
  },
  {
    name: "missing-fence",
    what: "appends expect whatever revision the log is at",
    plant: () => ({
      log: (log) =>
        appending(log, async (shard, _expected, events) => log.append(shard, await log.head(shard), events)),
    }),
  },
  {
    name: "answer-before-append",
    what: "the answer leaves when the append is sent, not when it is durable",
    plant: () => ({
      log: (log) =>
        appending(log, async (shard, expected, events) => {
          log.append(shard, expected, events).catch(() => {});
          return expected + events.length;
        }),
    }),
  },
  {
    name: "failed-append-acknowledged",
    what: "a full disk counts as written",
    plant: () => ({ log: (log) => appending(log, swallowing(log, "log_unavailable")) }),
  },
  {
    name: "fenced-append-acknowledged",
    what: "a stale writer is not told that it was refused",
    plant: () => ({ log: (log) => appending(log, swallowing(log, "wrong_expected_revision")) }),
  },
  {
    name: "unknown-outcome-called-failure",
    what: "an append of unknown outcome counts as failed for certain",
    plant: () => ({ log: (log) => appending(log, calledFailure(log)) }),
  },
  {
    name: "append-in-two-parts",
    what: "a batch is written in two appends, whatever belongs together",
    plant: () => ({
      log: (log) =>
        appending(log, async (shard, expected, events) => {
          const middle = Math.floor(events.length / 2);
          const reached = middle > 0 ? await log.append(shard, expected, [...events].slice(0, middle)) : expected;
          return log.append(shard, reached, [...events].slice(middle));
        }),
    }),
  },
  {
    name: "bulk-record-in-another-append",
    what: "the record of a bulk is appended after its items, not with them",
    plant: () => ({
      log: (log) =>
        appending(log, async (shard, expected, events) => {
          const all = [...events];
          const at = all.findIndex(({ type }) => type === "BulkRecorded");
          const reached = at > 0 ? await log.append(shard, expected, all.slice(0, at)) : expected;
          return log.append(shard, reached, at > 0 ? all.slice(at) : events);
        }),
    }),
  },
  {
    name: "head-one-behind",
    what: "the last event is overlooked when a writer reads the log to its end",
    plant: () => ({ log: oneBehind }),
  },
  {
    name: "torn-batch-kept",
    what: "a batch that was partly written when the log crashed stays in it",
    plant: () => ({ cutsTornBatches: false }),
  },
  {
    name: "store-ids-from-the-revision",
    what: "the ids that the log compares are made of the revision alone: any writer's events are a repetition",
    plant: () => ({ storeId: (_event, revision) => String(revision) }),
  },
  {
    name: "answer-before-replication",
    what: "the log answers what only its leader has, and the leader is lost",
    plant: () => ({ awaitsReplicas: false }),
  },
];

function appending(log: EventLog, append: Append): EventLog {
  return { ...log, append };
}

function refreshedOnResend(log: EventLog): Append {
  const unknown = new WeakSet<Events>();
  return async (shard, expected, events) => {
    const revision = unknown.has(events) ? await log.head(shard) : expected;
    unknown.add(events);
    return log.append(shard, revision, events);
  };
}

function swallowing(log: EventLog, code: "log_unavailable" | "wrong_expected_revision"): Append {
  return async (shard, expected, events): Promise<Revision> => {
    try {
      return await log.append(shard, expected, events);
    } catch (error) {
      if (isLedgerError(error, code)) return expected + events.length;
      throw error;
    }
  };
}

function calledFailure(log: EventLog): Append {
  return async (shard, expected, events) => {
    try {
      return await log.append(shard, expected, events);
    } catch (error) {
      if (isLedgerError(error, "outcome_unknown")) throw Object.assign(error, { code: "log_unavailable" });
      throw error;
    }
  };
}

function oneBehind(log: EventLog): EventLog {
  return {
    ...log,
    head: async (shard) => (await log.head(shard)) - 1,
    async *read(shard, from, options) {
      const last = (await log.head(shard)) - 1;
      if (last >= from) yield* log.read(shard, from, { limit: Math.min(last - from + 1, options?.limit ?? last + 1) });
    },
  };
}
