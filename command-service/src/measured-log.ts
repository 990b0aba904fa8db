import type { EventLog } from "ledger-core/event-log";
import type { Metrics } from "ledger-core/http";

const secondsBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];
const eventsBuckets = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000];

/** The log, with each append timed and its events counted: one observation per append, whatever it holds. */
export function measureAppends(log: EventLog, metrics: Metrics): EventLog {
  const seconds = metrics.histogram("log_append_seconds", "Time of an append that succeeded.", secondsBuckets);
  const events = metrics.histogram("log_append_events", "Events of an append that succeeded.", eventsBuckets);
  const failures = metrics.counter("log_append_failures_total", "Appends that failed, or whose outcome is unknown.");
  let head = -1;
  metrics.gauge(
    "log_revision",
    "Revision of the last event that this writer appended; -1 before the first.",
    () => head,
  );
  return {
    ...log,
    async append(shard, expectedRevision, batch) {
      const startMs = performance.now();
      try {
        head = await log.append(shard, expectedRevision, batch);
      } catch (error) {
        failures.inc();
        throw error;
      }
      seconds.observe((performance.now() - startMs) / 1000);
      events.observe(batch.length);
      return head;
    },
  };
}
