import type { Revision } from "ledger-core";
import { hold } from "../auditor/violation.ts";

const CHECK = "9 answers at their position";

/** That an answer holds what the books do. @throws Violation */
export function equal(actual: unknown, expected: unknown, what: string, revision: Revision): void {
  const [one, other] = [JSON.stringify(actual), JSON.stringify(expected)];
  hold(one === other, CHECK, () => `${what} at ${revision} is ${one}, should be ${other}`);
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
};

/** The page must be what follows the row that the page before ended with, as things stand now. Ids sort by time. */
export function checkPage(
  body: unknown,
  expected: readonly Readonly<Record<string, unknown>>[],
  { order, revision, after, limit, what }: Page,
): string | undefined {
  const [data] = fields(body, "data");
  const rows = Array.isArray(data) ? data : [];
  const rest = expected.filter(
    ({ id }) => after === undefined || (order === "desc" ? String(id) < after : String(id) > after),
  );
  const wanted = rest.slice(0, limit);
  const names = Object.keys(wanted[0] ?? {});
  equal(
    rows.map((row) => Object.fromEntries(names.map((name) => [name, fields(row, name)[0]]))),
    wanted.map((row) => Object.fromEntries(names.map((name) => [name, row[name]]))),
    `a page of ${what} after ${after ?? "the beginning"}`,
    revision,
  );
  const [next] = fields(body, "nextCursor");
  equal(next !== null, rest.length > limit, `whether ${what} go on after ${after ?? "the first page"}`, revision);
  const last = rows.at(-1);
  return next === null || rows.length === 0 ? undefined : String(fields(last, "id")[0]);
}
