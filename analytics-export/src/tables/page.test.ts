import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { exportTables } from "./tables.ts";

function describeTables(): string {
  return exportTables
    .map(({ name, columns, about }) => {
      const rows = columns.map((column) => `| \`${column.name}\` | ${column.type} | ${column.about} |`);
      return [`### ${name}`, `${about}`, "", "| column | type | meaning |", "| --- | --- | --- |", ...rows].join("\n");
    })
    .join("\n\n");
}

/** LEDGER_RECORD_TABLES=1 writes the tables to the page instead of comparing them. */
test("docs/analytics.md describes every table and column", () => {
  const file = join(import.meta.dirname, "../../../docs/analytics.md");
  const page = readFileSync(file, "utf8");
  const described = /(?:TABLES|### ledger_events\n[\s\S]*?)(?=\n\n## )/;
  if (process.env.LEDGER_RECORD_TABLES === "1") writeFileSync(file, page.replace(described, describeTables()));
  expect(described.exec(readFileSync(file, "utf8"))?.[0]).toBe(describeTables());
});
