import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import goldSchema from "../../databricks/gold/schema.json" with { type: "json" };
import { exportTables } from "./tables.ts";

type Described = {
  readonly name: string;
  readonly about: string;
  readonly columns: readonly { readonly name: string; readonly type: string; readonly about: string }[];
};

function describeTables(tables: readonly Described[]): string {
  return tables
    .map(({ name, columns, about }) => {
      const rows = columns.map((column) => `| \`${column.name}\` | ${column.type} | ${column.about} |`);
      return [`### ${name}`, `${about}`, "", "| column | type | meaning |", "| --- | --- | --- |", ...rows].join("\n");
    })
    .join("\n\n");
}

/** LEDGER_RECORD_TABLES=1 writes the tables to the page instead of comparing them. */
test.each([
  { first: "ledger_events", tables: exportTables },
  { first: "daily_volume", tables: goldSchema.tables },
])("docs/analytics.md describes every table and column from $first on", ({ first, tables }) => {
  const file = join(import.meta.dirname, "../../../docs/analytics.md");
  const page = readFileSync(file, "utf8");
  const described = new RegExp(`### ${first}\n[\\s\\S]*?(?=\n\n## )`);
  if (process.env.LEDGER_RECORD_TABLES === "1") writeFileSync(file, page.replace(described, describeTables(tables)));
  expect(described.exec(readFileSync(file, "utf8"))?.[0]).toBe(describeTables(tables));
});
