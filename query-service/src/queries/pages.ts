/** A page of a list in the order of its ids, which is the order of time. */
export type IdPage = {
  readonly limit: number;
  readonly order: "asc" | "desc";
  /** The id of the page before's last row. */
  readonly after: string | undefined;
};

/** Cuts the one row too many that tells whether there is a next page; `last` is then the key that it goes on after. */
export function takePage<Row extends { id: string }>(
  rows: readonly Row[],
  limit: number,
): { rows: readonly Row[]; last: string | null } {
  if (rows.length <= limit) return { rows, last: null };
  const page = rows.slice(0, limit);
  return { rows: page, last: page.at(-1)?.id ?? null };
}
