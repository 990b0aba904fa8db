import type { FastifyRequest } from "fastify";
import { type Caller, type Position, parsePosition } from "ledger-core";
import { callerOf, Problem } from "ledger-core/http";
import type { CursorScope, Cursors } from "../cursors.ts";
import type { Parameters } from "../filters.ts";
import { atLeast, type Freshness, formatPositions, readFreshness } from "../positions.ts";
import type { Read } from "../reading.ts";
import type { QueryContext } from "./context.ts";

export const LIMIT_DEFAULT = 50;

/** A list as it was asked for: whose, how long, in which order, after which row, and how fresh. */
export type ListRequest = {
  readonly caller: Caller;
  readonly limit: number;
  readonly order: "asc" | "desc";
  /** The key of the last row of the page before. */
  readonly after: string | undefined;
  readonly freshness: Freshness;
  readonly scope: CursorScope;
};

/** Reads the parameters that every list has. @throws Problem 400 */
export function readList(request: FastifyRequest<{ Querystring: Parameters }>, context: QueryContext): ListRequest {
  const { limit, order: givenOrder, cursor, ...rest } = request.query;
  const caller = callerOf(request);
  const order = givenOrder === "asc" ? "asc" : "desc";
  const filters = Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, value ?? ""]));
  const path = request.url.split("?", 1)[0] ?? "";
  const scope = { path, filters, order, tenant: caller.tenant, sub: caller.sub } as const;
  const freshness = readFreshness(request.headers, context);
  const shared = { caller, limit: limit === undefined ? LIMIT_DEFAULT : Number(limit), order, scope } as const;
  if (cursor === undefined) return { ...shared, after: undefined, freshness };
  const { after, positions } = readCursor(context.cursors, scope, cursor);
  return { ...shared, after, freshness: atLeast(freshness, positions) };
}

function readCursor(cursors: Cursors, scope: CursorScope, cursor: string): { after: string; positions: Position[] } {
  const [after, ...positions] = cursors.open(scope, cursor)?.split(" ") ?? [];
  if (after === undefined)
    throw new Problem("invalid_cursor", "The cursor is not one that this query was answered with for this caller.", {
      errors: [{ pointer: "/cursor", detail: "must be a nextCursor of the same path, filters and order" }],
    });
  return { after, positions: positions.map(parsePosition).filter((position) => position !== undefined) };
}

/**
 * The body of a list. Its cursor also holds the positions served: the next page comes from there or later, so that no
 * replica further behind can end the list too early.
 */
export function listBody<Row, Body>(
  context: QueryContext,
  list: ListRequest,
  { result, positions }: Read<{ readonly rows: readonly Row[]; readonly last: string | null }>,
  toBody: (row: Row) => Body,
): { data: Body[]; nextCursor: string | null } {
  const { rows, last } = result;
  const key = [last, ...formatPositions(positions).split(", ")].join(" ");
  return {
    data: rows.map(toBody),
    nextCursor: last === null ? null : context.cursors.seal(list.scope, key),
  };
}
