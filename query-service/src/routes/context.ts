import type { FastifyReply } from "fastify";
import type { Micros, PaymentGraph, Runtime, SessionView } from "ledger-core";
import { Problem } from "ledger-core/http";
import type { Cursors } from "../cursors.ts";
import { formatPositions } from "../positions.ts";
import type { ModelReader, Read } from "../reading.ts";
import type { WaitingRoom } from "../waiting.ts";

/** What the routes answer from. */
export type QueryContext = {
  readonly models: ModelReader;
  readonly session: SessionView;
  readonly sessionRoom: WaitingRoom;
  readonly graph: PaymentGraph;
  readonly graphRoom: WaitingRoom;
  readonly shards: number;
  readonly runtime: Runtime;
  readonly cursors: Cursors;
  readonly clock: () => Micros;
};

/** Says what position is served and hands on what was read. */
export function served<Result>(reply: FastifyReply, { result, positions }: Read<Result>): Result {
  reply.header("ledger-position", formatPositions(positions));
  return result;
}

const absences = {
  account: new Problem("account_not_found", "There is no such account, or none that the caller may see."),
  payment: new Problem("payment_not_found", "There is no such payment, or none that the caller may see."),
  transfer: new Problem("transfer_not_found", "There is no such transfer, or none that the caller may see."),
  refund: new Problem("refund_not_found", "There is no such refund, or none that the caller may see."),
  topUp: new Problem("top_up_not_found", "There is no such top-up, or none that the caller may see."),
  payout: new Problem("payout_not_found", "There is no such payout, or none that the caller may see."),
};

/**
 * The one answer for an object that is absent, another's, or asked for by an id that nothing can have: nobody learns
 * which.
 */
export function absent(object: keyof typeof absences): Problem {
  return absences[object];
}
