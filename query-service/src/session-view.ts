import { isLedgerError, publicReason, type SessionView } from "ledger-core";
import type { Metrics, ReadinessCheck } from "ledger-core/http";
import type { Logger } from "ledger-core/process";
import { reached } from "./positions.ts";
import type { QueryRunner } from "./query.ts";
import { SESSION, sessionAnswer } from "./routes/session.ts";

type SessionReads = {
  readonly run: QueryRunner;
  readonly checks: readonly ReadinessCheck[];
  measure(metrics: Metrics): void;
  close(): Promise<void>;
};

/**
 * Answers sessions from the session view, if there is one, while it is complete and at the required position; else, and
 * every other query, by `run`. A view that is away costs a session no waiting, since its client then fails at once.
 */
export function withSessionView(run: QueryRunner, view: SessionView | undefined, logger: Logger): SessionReads {
  if (!view) return { run, checks: [], measure: () => undefined, close: async () => undefined };
  let trouble: string | undefined = "not read yet";
  let [served, fellBack] = [0, 0];

  const note = (next: string | undefined, error?: unknown) => {
    if (trouble !== next && next !== undefined) logger.warn({ trouble: next, err: error }, "sessions: from the models");
    trouble = next;
  };

  const read: QueryRunner = async (query) => {
    if (query.route !== SESSION) return run(query);
    try {
      const { tenant, sub } = query.caller;
      const session = await view.read(tenant, sub);
      note(session.positions.length > 0 ? undefined : "being filled from the log");
      if (reached(session.positions, query.required)) {
        served++;
        return sessionAnswer(sub, session, "redis");
      }
    } catch (error) {
      if (!isLedgerError(error)) throw error;
      note(publicReason(error), error);
    }
    fellBack++;
    return run(query);
  };

  return {
    run: read,
    checks: [
      {
        name: "session view",
        check: () => ({ ready: true, detail: trouble === undefined ? "used" : `${trouble}: the read models answer` }),
      },
    ],
    measure(metrics) {
      metrics.gauge("session_view_reads", "Sessions read from Redis since the start.", () => served);
      metrics.gauge("session_view_fallbacks", "Sessions read from the models since the start.", () => fellBack);
    },
    close: () => view.close(),
  };
}
