import { type AccountId, type EdgeChange, type EventId, idBody, makeId, type PaymentId, rebrand } from "ledger-core";
import { examples, seeded } from "ledger-core/testing";

const { accountId, START, TENANT } = examples;

type Open = Extract<EdgeChange, { kind: "paid" }>;

/** Changes of a payment graph, and the accounts in it. */
export type GraphHistory = {
  /** One change per revision of shard 0, from 0. */
  readonly changes: readonly EdgeChange[];
  readonly payers: readonly AccountId[];
  /** The payments whose edges are left, by the event that made the edge. */
  readonly left: ReadonlyMap<string, Pick<Open, "payer" | "merchant">>;
};

/**
 * A history determined by a seed: an eighth of the payments go to one merchant, some are refunded, some of those
 * captured again, and some merchants are frozen for a while.
 */
export function randomGraph(seed: number, count: number): GraphHistory {
  const next = seeded(seed);
  const payers = Array.from({ length: Math.max(4, Math.floor(count / 10)) }, (_, n) => accountId(1 + n));
  const shops = Array.from({ length: Math.max(4, Math.floor(count / 50)) }, (_, n) => accountId(1_000_000 + n));
  const pick = <T>(from: readonly T[], fallback: T): T => from[next(from.length)] ?? fallback;
  const open: Open[] = [];
  const refunded: Open[] = [];
  const shut = new Set<AccountId>();
  const take = (from: Open[]): Open | undefined => from.splice(next(from.length), 1)[0];

  function change(event: EventId): EdgeChange {
    const dice = next(100);
    const merchant = next(8) === 0 ? (shops[0] ?? accountId(1)) : pick(shops, accountId(1));
    if (dice < 4 && open.length > 0) {
      const edge = take(open);
      if (edge) {
        refunded.push(edge);
        return { kind: "retracted", payment: edge.payment, payer: edge.payer, merchant: edge.merchant, event };
      }
    }
    if (dice === 99) {
      const isShut = shut.has(merchant);
      if (isShut) shut.delete(merchant);
      else shut.add(merchant);
      return { kind: "standing", merchant, open: isShut, event };
    }
    const again = dice < 6 ? take(refunded) : undefined;
    const payment: PaymentId = again?.payment ?? rebrand("pay", event);
    const payer = again?.payer ?? pick(payers, accountId(1));
    const paid: Open = { kind: "paid", tenant: TENANT, payment, payer, merchant: again?.merchant ?? merchant, event };
    open.push(paid);
    return paid;
  }

  const changes = Array.from({ length: count }, (_, revision) =>
    change(makeId("evt", idBody(START + revision * 1000, { shard: 0, revision }, 1 + next(1000)))),
  );
  return { changes, payers, left: new Map(open.map(({ event, payer, merchant }) => [event, { payer, merchant }])) };
}
