import { type AccountId, readNumber } from "../../domain/ids.ts";
import type { Build } from "../../ports/projection-store.ts";

/*
 * An account is a vertex; a payment is an edge from payer to merchant (`paid`) and one back (`paidBy`), which lies in
 * the merchant's partition; a frozen or closed merchant has an edge to itself (`shut`). An edge says from which
 * `revision` it holds and `until` which, so adding and ending an edge are the same however often and late they come.
 * A build of the graph has partitions of its own.
 */

/** Partitions of a build. */
export const PARTITIONS = 32;

/** `until` of an edge that still holds. */
export const FOREVER = Number.MAX_SAFE_INTEGER;

/** The newest edges that a merchant keeps at least, of those back to its payers that still hold. */
export const PAYERS_KEPT = 1200;

export type VertexPlace = { readonly partition: string; readonly id: string };

/** Where the vertex of an account is. */
export function placeOf(build: Build, account: AccountId): VertexPlace {
  return { partition: partitionOf(build, readNumber(account) % PARTITIONS), id: `${build.version}:${account}` };
}

export function partitionOf({ version }: Build, number: number): string {
  return `${version}-${String(number).padStart(2, "0")}`;
}
