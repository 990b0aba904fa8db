import { type Position, parsePosition } from "ledger-core";
import { Problem } from "ledger-core/http/problems";
import type { CursorScope, Cursors } from "../cursors.ts";
import { formatPositions } from "../positions.ts";
import type { Query } from "../query.ts";
import type { Read } from "../reading.ts";
import type { QueryContext } from "./context.ts";

/** A list's parameters: limit, order, the row to continue after, and the required positions. */
type ListRequest = {
  readonly limit: number;
  readonly order: "asc" | "desc";
  /** The key of the previous page's last row. */
  readonly after: string | undefined;
  /** The header's positions and the cursor's. */
  readonly required: readonly Position[];
  readonly scope: CursorScope;
};

/** Reads the parameters that every list has. @throws Problem 400 */
export function readList({ caller, path, parameters, required }: Query, context: QueryContext): ListRequest {
  const { limit, order: givenOrder, cursor, ...rest } = parameters;
  const order = givenOrder === "asc" ? "asc" : "desc";
  const filters = Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, value ?? ""]));
  const scope = { path, filters, order, tenant: caller.tenant, sub: caller.sub } as const;
  const rows = limit === undefined ? context.limits.pageRows : Number(limit);
  const shared = { limit: rows, order, scope } as const;
  if (cursor === undefined) return { ...shared, after: undefined, required };
  const { after, positions } = readCursor(context.cursors, scope, cursor);
  return { ...shared, after, required: [...required, ...positions] };
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
 * The body of a list. Its cursor also holds the served positions, so that the next page cannot come from a replica
 * further behind, which could end the list too early.
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
