import type { LoadResult } from "./load/plan.ts";

/** A server's own account of a run. */
export type BookTotals = { readonly payments: number; readonly sum: string };

/** A figure would be wrong: the bench reports why and stores nothing. */
export class BenchFault extends Error {
  override readonly name = "BenchFault";
}

/** @throws BenchFault if any answer was not the expected success */
export function checkAnswers(name: string, loads: readonly LoadResult[]): void {
  const refused = loads.find((load) => load.firstRefusal !== null);
  if (refused) throw new BenchFault(`${name}: ${refused.refused} requests got another answer: ${refused.firstRefusal}`);
}

/**
 * @throws BenchFault unless the books hold exactly the acknowledged payments and sum to zero
 * @returns the check in words, for the figure's note
 */
export function checkBooks(name: string, books: BookTotals, loads: readonly LoadResult[]): string {
  checkAnswers(name, loads);
  const acknowledged = loads.reduce((sum, load) => sum + load.acknowledged, 0);
  if (books.payments !== acknowledged)
    throw new BenchFault(`${name}: ${acknowledged} payments acknowledged, ${books.payments} in the books`);
  if (books.sum !== "0") throw new BenchFault(`${name}: the books sum to ${books.sum}`);
  return `checked: ${books.payments.toLocaleString("en")} payments, sum 0`;
}
