import type { Metrics } from "ledger-core/http";
import type { Logger } from "ledger-core/process";
import type { WriterOptions } from "./writer/writer.ts";

/** Reports faults of the writer's decision state to the operator, in the log and in metrics. */
export function watchDecisionState(
  logger: Logger,
  metrics: Metrics,
): Required<Pick<WriterOptions, "onDiscarded" | "onUnwritten" | "onReadiness">> {
  const discards = metrics.counter(
    "decision_state_discarded_total",
    "Times that the decision state was taken out of the way and rebuilt from the log.",
  );
  const failures = metrics.counter(
    "decision_state_write_failures_total",
    "Times that the decision state could not be written; it is tried again.",
  );
  return {
    onDiscarded(discarded) {
      discards.inc();
      logger.error(discarded, "the decision state was discarded and is rebuilt from the log");
    },
    onUnwritten(why) {
      failures.inc();
      logger.error({ why }, "the decision state could not be written; it is tried again");
    },
    onReadiness: (readiness, cause) =>
      logger.warn({ ...readiness, ...(cause && { cause: cause.message }) }, "the writer's readiness changed"),
  };
}
