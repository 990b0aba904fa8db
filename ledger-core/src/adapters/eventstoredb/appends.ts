import type { Shard } from "../../domain/position.ts";
import type { Batch } from "../frames.ts";
import { judgeReply, outcomeUnknown, tooLarge } from "./append-reply.ts";
import { encodeAppend } from "./append-request.ts";
import { AppendSession } from "./append-session.ts";
import type { EsdbConnection } from "./connection.ts";
import { isNotLeader, isRefusal, unavailable } from "./faults.ts";

export type AppendsOptions = {
  readonly connection: EsdbConnection;
  readonly streamOf: (shard: Shard) => string;
  readonly appendTimeoutMs: number;
  readonly appendBytesMax: number;
};

/** How many times an append is redirected to a new leader before it fails. */
const HOPS_MAX = 3;

/** The writing half of the log. Follows the leader but never retries an append; the writer does that. */
export class Appends {
  readonly #options: AppendsOptions;
  readonly #sessions = new Map<Shard, AppendSession>();

  constructor(options: AppendsOptions) {
    this.#options = options;
  }

  /** @throws wrong_expected_revision · log_unavailable: nothing was written · outcome_unknown */
  async append(batch: Batch): Promise<void> {
    const { streamOf, appendTimeoutMs, appendBytesMax } = this.#options;
    const { shard } = batch;
    const request = encodeAppend(streamOf(shard), batch);
    for (let hop = 0; ; hop++) {
      const session = await this.#session(shard);
      const { node } = session.connected;
      const place = { shard, expected: batch.first - 1, node };
      if (request.size > appendBytesMax) throw tooLarge(place, appendBytesMax);
      const outcome = await session.append(request, appendTimeoutMs);
      if (outcome.kind === "reply") return judgeReply(outcome.reply, place);
      if (outcome.kind === "silent") throw outcomeUnknown(place, `no reply within ${appendTimeoutMs} ms`);
      const failure = unavailable(node, outcome.error, `appending to shard ${shard}`);
      if (!isNotLeader(outcome.error) && (outcome.proven || !isRefusal(outcome.error)))
        throw outcomeUnknown(place, failure.message, outcome.error);
      // A node that refuses the login or is not the leader has written nothing; only the second is retried, at the
      // leader.
      if (hop === HOPS_MAX || !isNotLeader(outcome.error)) throw failure;
    }
  }

  close(): void {
    for (const session of this.#sessions.values()) session.close();
  }

  async #session(shard: Shard): Promise<AppendSession> {
    const { connection } = this.#options;
    const connected = await connection.ready();
    const open = this.#sessions.get(shard);
    if (open?.open) return open;
    const session = new AppendSession(connected, (error) => connection.failed(connected, error));
    this.#sessions.set(shard, session);
    return session;
  }
}
