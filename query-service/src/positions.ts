import type { IncomingHttpHeaders } from "node:http";
import { formatPosition, type Position, parsePosition, type Runtime } from "ledger-core";
import { Problem } from "ledger-core/http/problems";
import type { QueryLimits } from "./limits.ts";

const WAIT_MAX_MS = 10_000;

/** The positions that a request requires, and its deadline by the runtime's monotonic clock. */
export type Freshness = { readonly required: readonly Position[]; readonly deadlineMs: number };

/** Reads Ledger-Position and Ledger-Wait. @throws Problem 400 */
export function readFreshness(
  headers: IncomingHttpHeaders,
  { shards, runtime, limits }: { readonly shards: number; readonly runtime: Runtime; readonly limits: QueryLimits },
): Freshness {
  const required = readPositions(headers["ledger-position"], shards);
  return { required, deadlineMs: runtime.elapsedMs() + readWait(headers["ledger-wait"], limits) };
}

function readPositions(header: string | string[] | undefined, shards: number): readonly Position[] {
  if (header === undefined) return [];
  const texts = (typeof header === "string" ? header : header.join(",")).split(",").map((text) => text.trim());
  return texts.map((text) => {
    const position = parsePosition(text);
    if (!position) throw new Problem("invalid_header", "Ledger-Position is not of the form <shard>:<revision>, …");
    if (position.shard >= shards)
      throw new Problem("invalid_header", `Ledger-Position names shard ${position.shard}, which does not exist.`);
    return position;
  });
}

function readWait(header: string | string[] | undefined, { waitMs: otherwise }: QueryLimits): number {
  if (header === undefined) return otherwise;
  const waitMs = typeof header === "string" && /^(0|[1-9]\d{0,4})$/.test(header) ? Number(header) : Number.NaN;
  if (!(waitMs <= WAIT_MAX_MS))
    throw new Problem("invalid_header", `Ledger-Wait is a whole number of milliseconds up to ${WAIT_MAX_MS}.`);
  return waitMs;
}

/** Whether every required position is reached. An empty store has reached nothing, even if nothing is required. */
export function reached(served: readonly Position[], required: readonly Position[]): boolean {
  const has = ({ shard, revision }: Position) =>
    served.some((position) => position.shard === shard && position.revision >= revision);
  return served.length > 0 && required.every(has);
}

/** The header's form, `0:1234, 1:88`. */
export function formatPositions(positions: readonly Position[]): string {
  return positions.map(formatPosition).join(", ");
}
