import type { SqlValue } from "ledger-core/sql";

/** A piece of SQL and its parameters, in the order of their places. */
export type Sql = { readonly text: string; readonly values: readonly SqlValue[] };

/**
 * SQL from a template: a value becomes a parameter, a piece of SQL is inserted with its own parameters. Numbers are
 * bound as bigint: SQLite's driver would bind them as floats.
 */
export function sql(texts: TemplateStringsArray, ...parts: readonly (SqlValue | Sql)[]): Sql {
  let text = texts[0] ?? "";
  const values: SqlValue[] = [];
  for (const [n, part] of parts.entries()) {
    if (typeof part === "object" && part !== null) {
      text += part.text;
      values.push(...part.values);
    } else {
      text += "?";
      values.push(typeof part === "number" ? BigInt(part) : part);
    }
    text += texts[n + 1] ?? "";
  }
  return { text, values };
}

/** SQL without parameters. */
export function plain(text: string): Sql {
  return { text, values: [] };
}

/** Pieces of SQL with a separator between them. */
export function joined(pieces: readonly Sql[], separator: string): Sql {
  return { text: pieces.map(({ text }) => text).join(separator), values: pieces.flatMap(({ values }) => values) };
}

/** Conditions that all must hold, as the text after WHERE; undefined ones are left out. */
export function all(...conditions: readonly (Sql | undefined)[]): Sql {
  return joined(
    conditions.filter((condition) => condition !== undefined),
    " AND ",
  );
}

/** The order of a list. */
export type Order = "asc" | "desc";

export function way(order: Order): Sql {
  return order === "asc" ? plain("ASC") : plain("DESC");
}
