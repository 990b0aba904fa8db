import { type Amount, type Caller, type ClientCommand, type Currency, type Micros, parseCurrency } from "ledger-core";
import { type AccountBook, spentOn } from "../auditor/books.ts";
import { LARGEST } from "../auditor/grounds.ts";
import type { Random } from "../random.ts";

/** A command that a client might want, with its caller. */
export type Wish = { readonly caller: Caller; readonly command: ClientCommand };

export function currency(code: string): Currency {
  const parsed = parseCurrency(code);
  if (!parsed) throw new RangeError(code);
  return parsed;
}
export function operator(tenant: string): Caller {
  return { tenant, role: "operator", sub: `op-${tenant}` };
}

/** An amount near an account's limits: the most it can give, one unit more, or something small. */
export function amountFrom(random: Random, { posted, held, limits, ...account }: AccountBook, at: Micros): Amount {
  const { floor, perTransaction, perDay } = limits;
  const edges: Amount[] = [];
  if (floor !== null) edges.push(posted - held - floor);
  if (perTransaction !== null) edges.push(perTransaction);
  if (perDay !== null) edges.push(perDay - spentOn({ posted, held, limits, ...account }, at));
  if (edges.length > 0 && random.chance(0.35)) {
    const edge = random.pick(edges) + random.pick([0n, 0n, 1n]);
    if (edge > 0n && edge <= LARGEST) return edge;
  }
  return BigInt(random.between(1, 60));
}
