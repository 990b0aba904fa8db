import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { expect, test } from "vitest";
import type { GoldSchemaFile } from "./model-check.ts";
import { checkProject, type ProjectFiles, publishedValidator } from "./project-check.ts";

// The Power BI project beside Microsoft's published schemas and the gold tables.

const root = resolve(import.meta.dirname, "../../../powerbi");
const published = join(root, "schemas");
const BASE = "https://developer.microsoft.com/json-schemas/";

function filesUnder(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

const project: ProjectFiles = new Map(
  filesUnder(root)
    .filter((file) => !file.startsWith(published) && !file.endsWith(".md"))
    .map((file) => [relative(root, file), readFileSync(file, "utf8")]),
);
const validate = publishedValidator(
  new Map<string, object>(
    filesUnder(published)
      .filter((file) => file.endsWith(".json"))
      .map((file) => [`${BASE}${relative(published, file)}`, JSON.parse(readFileSync(file, "utf8"))]),
  ),
);
const gold: GoldSchemaFile = JSON.parse(readFileSync(join(root, "../databricks/gold/schema.json"), "utf8"));

test("the project fits the published schemas, itself and the gold tables", () => {
  expect(project.size).toBeGreaterThan(30);
  expect(checkProject(project, validate, gold)).toEqual([]);
});

const model = "payledger.SemanticModel/definition";
const report = "payledger.Report/definition";
const sales = `${model}/tables/Sales.tmdl`;
const volume = `${report}/pages/volume/visuals/volumeByDay/visual.json`;

test.each<[string, string, string | RegExp, string, string]>([
  ["a column that no gold table has", sales, "sourceColumn: gross", "sourceColumn: grosz", "has no column grosz"],
  ["a column of another type", sales, "dataType: int64", "dataType: string", "is long in the gold table"],
  ["a gold column that is missing", sales, /\n\tcolumn net\n(\t\t.*\n)+/, "\n", "net is not in the model"],
  ["a table that jobs do not make", sales, "merchant_daily_sales", "merchant_sales", "no gold table merchant_sales"],
  ["a host instead of the parameter", sales, "(Host,", '("adb-1.net",', "by the parameters Host, HttpPath and Catalog"],
  ["spaces instead of tabs", sales, "\tcolumn net", "    column net", "spaces where tabs indent"],
  ["a line that is indented too far", sales, "\tcolumn net", "\t\tcolumn net", "nothing that a column has"],
  ["a property that does not exist", sales, "summarizeBy: none", "sumariseBy: none", "nothing that a column has"],
  [
    "a measure of a column that is not there",
    sales,
    "SUM(Sales[gross])",
    "SUM(Sales[gros])",
    "Sales.gros does not exist",
  ],
  [
    "a measure of a measure that is not there",
    sales,
    "[Total gross] - [Total refunded]",
    "[Total gross] - [Fees]",
    "measure [Fees]",
  ],
  ["a function that does not exist", sales, "DIVIDE([Total gross], ", "DIVDE([Total gross], ", "DIVDE()"],
  ["a bracket that stays open", sales, "SUM(Sales[payments])", "SUM(Sales[payments]", "brackets do not match"],
  ["two columns of one name", sales, "column net", "column gross", "gross is there twice"],
  [
    "a table that the model does not list",
    `${model}/model.tmdl`,
    "ref table Sales\n",
    "",
    "Sales is not in the model's",
  ],
  [
    "a table that the model only lists",
    `${model}/model.tmdl`,
    "ref table Sales",
    "ref table Sale",
    "table Sale does not",
  ],
  ["a relationship to nothing", `${model}/relationships.tmdl`, "Sales.date", "Sales.day", "Sales.day does not exist"],
  [
    "a parameter that is none",
    `${model}/expressions.tmdl`,
    " meta [IsParameterQuery = true",
    " meta [X = true",
    "no parameter",
  ],
  [
    "a parameter that is missing",
    `${model}/expressions.tmdl`,
    "expression HttpPath",
    "expression Path",
    "no parameter HttpPath",
  ],
  ["a visual of a field that is not there", volume, '"Amount moved"', '"Amount"', "no measure Volume.Amount"],
  ["a measure shown as a column", volume, '"Measure": {', '"Column": {', "no column Volume.Amount moved"],
  ["a visual under another name", volume, '"name": "volumeByDay"', '"name": "other"', "its name is other"],
  [
    "a property that the schema does not have",
    volume,
    '"position"',
    '"place"',
    "must have required property 'position'",
  ],
  [
    "a version that was never published",
    volume,
    "visualContainer/2.9.0",
    "visualContainer/9.0.0",
    "not among the published",
  ],
  ["a page without its file", `${report}/pages/pages.json`, '"refunds"', '"returns"', "there is no page returns"],
  ["text that is not JSON", `${report}/report.json`, "{", "{,", "is not JSON"],
  ["a report that is not there", "payledger.pbip", "payledger.Report", "other.Report", "there is no other.Report"],
  [
    "a model that is not there",
    "payledger.Report/definition.pbir",
    "../payledger.Semantic",
    "../x.Semantic",
    "there is no x",
  ],
  ["an item without a type", "payledger.Report/.platform", '"type"', '"kind"', "must have required property 'type'"],
])("%s is found", (_, path, before, after, fault) => {
  const text = project.get(path) ?? "";
  const changed = text.replace(before, after);
  expect(changed).not.toBe(text);
  const faults = checkProject(new Map([...project, [path, changed]]), validate, gold);
  expect(faults.join("\n")).toContain(fault);
});
