import type { Revision } from "ledger-core";
import { mustHold } from "../auditor/violation.ts";

const CHECK = "9 answers at their position";

/** Checks that an answer agrees with the books. @throws Violation */
export function equal(actual: unknown, expected: unknown, what: string, revision: Revision): void {
  const [one, other] = [JSON.stringify(actual), JSON.stringify(expected)];
  mustHold(one === other, CHECK, () => `${what} at ${revision} is ${one}, should be ${other}`);
}

/** Some fields of an answer, in this order. */
export function fields(body: unknown, ...names: string[]): unknown[] {
  return names.map((name) => (typeof body === "object" && body !== null ? Reflect.get(body, name) : undefined));
}

type Page = {
  readonly order: string;
  readonly revision: Revision;
  readonly after: string | undefined;
  readonly limit: number;
  readonly what: string;
  /**
   * `rows`: no index serves the filter, so a page may be short, even empty, and still have a next one; `states`: states
   * change, so rows that a page has passed may match now. Default: every page but the last is full.
   */
  readonly scans?: "rows" | "states" | undefined;
};

/** The page must follow the last row of the previous page, by the current state. Ids sort by time. */
export function checkPage(
  body: unknown,
  expected: readonly Readonly<Record<string, unknown>>[],
  { order, revision, after, limit, what, scans }: Page,
): string | undefined {
  const [data] = fields(body, "data");
  const rows = Array.isArray(data) ? data : [];
  const rest = expected.filter(
    ({ id }) => after === undefined || (order === "desc" ? String(id) < after : String(id) > after),
  );
  const [next] = fields(body, "nextCursor");
  const short = scans !== undefined && next !== null && rows.length < limit;
  const wanted =
    scans === "states"
      ? rest.filter(({ id }) => rows.some((row) => fields(row, "id")[0] === id))
      : rest.slice(0, limit);
  const names = Object.keys(rest[0] ?? {});
  const shown = (row: unknown) => Object.fromEntries(names.map((name) => [name, fields(row, name)[0]]));
  equal(
    rows.map(shown),
    (short ? wanted.slice(0, rows.length) : wanted).map(shown),
    `a page of ${what} after ${after ?? "the beginning"}`,
    revision,
  );
  if (scans === undefined)
    equal(next !== null, rest.length > limit, `whether ${what} go on after ${after ?? "the first page"}`, revision);
  if (scans === "rows" && next === null) equal(rest.length, rows.length, `how many ${what} are left`, revision);
  const last = rows.at(-1);
  if (next === null) return undefined;
  if (last !== undefined) return String(fields(last, "id")[0]);
  // An empty page continues after all existing rows: newest first, all later rows come before it.
  const newest = expected.reduce((most, { id }) => (String(id) > most ? String(id) : most), "");
  if (order === "asc") return after;
  return after ?? (newest === "" ? "" : `${newest}~`);
}
