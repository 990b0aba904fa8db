import type { AccountId, EventId, PaymentId } from "../domain/ids.ts";
import type { Position } from "../domain/position.ts";

/** Payer → merchant, one edge a payment, citing the event that captured it; a full refund retracts it. */
export type EdgeChange =
  | {
      readonly kind: "paid";
      readonly tenant: string;
      readonly payment: PaymentId;
      readonly payer: AccountId;
      readonly merchant: AccountId;
      readonly event: EventId;
    }
  /** Payer and merchant are those of the edge; the event refunded it. */
  | {
      readonly kind: "retracted";
      readonly payment: PaymentId;
      readonly payer: AccountId;
      readonly merchant: AccountId;
      readonly event: EventId;
    }
  /** The event froze, unfroze or closed a merchant's account: only an open one is recommended. */
  | { readonly kind: "standing"; readonly merchant: AccountId; readonly open: boolean; readonly event: EventId };

/**
 * An open merchant that the account has not paid, how many payers it shares, and the edges that say so (at most
 * EVIDENCE_MAX).
 */
export type Recommendation = {
  readonly merchant: AccountId;
  readonly score: number;
  readonly events: readonly EventId[];
};
export const EVIDENCE_MAX = 10;
/** How many neighbors a step looks at: a merchant that everybody pays must not make every recommendation slow. */
export const FAN_OUT_MAX = 200;

/** The graph of who paid whom, as queries read it: Gremlin in production, a file when embedded. */
export interface PaymentGraph {
  /** Best first: by score, then by merchant. @throws store_unavailable */
  recommend(
    tenant: string,
    account: AccountId,
    limit: number,
  ): Promise<{ readonly recommendations: readonly Recommendation[]; readonly positions: readonly Position[] }>;
  /**
   * Those of some merchants that an account has paid; a payment that was refunded in full does not count.
   * @throws store_unavailable
   */
  paidAmong(account: AccountId, merchants: readonly AccountId[]): Promise<ReadonlySet<AccountId>>;
  /** The graph's position per shard. @throws store_unavailable */
  positions(): Promise<readonly Position[]>;
  close(): Promise<void>;
}
