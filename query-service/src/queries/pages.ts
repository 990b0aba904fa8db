/** A page of a list ordered by id, and so by time. */
export type IdPage = {
  readonly limit: number;
  readonly order: "asc" | "desc";
  /** The id of the previous page's last row. */
  readonly after: string | undefined;
};

/** Drops the extra row that tells whether there is a next page; `last` is then the key to continue after. */
export function takePage<Row extends { id: string }>(
  rows: readonly Row[],
  limit: number,
): { rows: readonly Row[]; last: string | null } {
  if (rows.length <= limit) return { rows, last: null };
  const page = rows.slice(0, limit);
  return { rows: page, last: page.at(-1)?.id ?? null };
}
