import { parseTmdl, type TmdlObject } from "./tmdl.ts";

/** The tables that jobs make, from gold/schema.json. */
export type GoldSchemaFile = {
  readonly tables: readonly {
    readonly name: string;
    readonly columns: readonly { readonly name: string; readonly type: string }[];
  }[];
};

/** The fields that a report may show: `Sales.gross` for columns, `Sales.Gross` for measures. */
export type ModelFields = { readonly columns: ReadonlySet<string>; readonly measures: ReadonlySet<string> };

const dataTypes: Readonly<Record<string, string>> = {
  ...{ string: "string", long: "int64", int: "int64", double: "double", boolean: "boolean" },
  ...{ date: "dateTime", timestamp: "dateTime" },
};

/** The DAX functions that measures use. */
const functions = new Set(["SUM", "SUMX", "MIN", "DIVIDE", "IF", "HASONEVALUE"]);

/** Checks the model's TMDL files against themselves and the gold tables. */
export function checkModel(files: ReadonlyMap<string, string>, gold: GoldSchemaFile) {
  const parsed = Array.from(files, ([path, text]) => parseTmdl(path, text));
  const faults = parsed.flatMap((file) => file.faults);
  const all = parsed.flatMap((file) => file.objects);
  const report = ({ path, line }: TmdlObject, why: string) => faults.push(`${path}:${line}: ${why}`);
  const tables = all.filter(({ kind }) => kind === "table");
  const parameters = all.filter(({ kind }) => kind === "expression");
  const fieldsOf = (kind: string) =>
    new Set(
      tables.flatMap((t) => t.children.filter((one) => one.kind === kind).map(({ name }) => `${t.name}.${name}`)),
    );
  const fields: ModelFields = { columns: fieldsOf("column"), measures: fieldsOf("measure") };
  const measureNames = new Set(Array.from(fields.measures, (field) => field.slice(field.indexOf(".") + 1)));

  checkUnique(all, report);
  checkReferences(all, report);
  for (const parameter of parameters)
    if (!/^"[^"]*" meta \[IsParameterQuery = true, Type = "Text", /.test(parameter.expression))
      report(parameter, `${parameter.name} is no parameter`);
  for (const table of tables) {
    const partition = table.children.find(({ kind }) => kind === "partition");
    if (!partition) report(table, `${table.name} has no partition`);
    else if (partition.expression === "m") checkSource(table, partition, { gold, parameters, report });
    for (const measure of table.children.filter(({ kind }) => kind === "measure"))
      for (const why of faultsOfDax(measure.expression, fields, measureNames)) report(measure, why);
  }
  for (const relation of all.filter(({ kind }) => kind === "relationship"))
    for (const end of ["fromColumn", "toColumn"]) {
      const column = relation.properties.get(end) ?? "";
      if (!fields.columns.has(column)) report(relation, `${end} ${column} does not exist`);
    }
  return { faults, fields };
}

type Report = (at: TmdlObject, why: string) => void;

function checkUnique(all: readonly TmdlObject[], report: Report): void {
  const tags = new Set<string>();
  const visit = (objects: readonly TmdlObject[]) => {
    const names = new Set<string>();
    for (const object of objects) {
      const tag = object.properties.get("lineageTag");
      if (tag !== undefined && tags.has(tag)) report(object, `lineageTag ${tag} is another's`);
      if (tag !== undefined) tags.add(tag);
      // A column and a measure of one table share their names; those of a partition are its own.
      const name = `${object.kind === "measure" ? "column" : object.kind} ${object.name.toLowerCase()}`;
      if (names.has(name)) report(object, `${object.name} is there twice`);
      names.add(name);
      visit(object.children);
    }
  };
  visit(all);
}

/** The model lists its tables and expressions; each listed one is there, and each one is listed. */
function checkReferences(all: readonly TmdlObject[], report: Report): void {
  for (const kind of ["table", "expression"]) {
    const there = all.filter((object) => object.kind === kind);
    const listed = all.filter((object) => object.kind === `ref ${kind}`);
    const names = (objects: readonly TmdlObject[]) => new Set(objects.map(({ name }) => name));
    for (const one of listed) if (!names(there).has(one.name)) report(one, `${kind} ${one.name} does not exist`);
    for (const one of there) if (!names(listed).has(one.name)) report(one, `${one.name} is not in the model's list`);
  }
}

type SourceContext = {
  readonly gold: GoldSchemaFile;
  readonly parameters: readonly TmdlObject[];
  readonly report: Report;
};

/** A table is read from Databricks by the parameters, and its columns are those of a gold table. */
function checkSource(table: TmdlObject, partition: TmdlObject, { gold, parameters, report }: SourceContext): void {
  const source = partition.properties.get("source") ?? "";
  if (partition.properties.get("mode") !== "import") report(partition, "its mode is not import");
  if (!source.includes("Databricks.Catalogs(Host, HttpPath, [Catalog = Catalog,"))
    report(partition, "it does not read Databricks.Catalogs by the parameters Host, HttpPath and Catalog");
  for (const name of ["Host", "HttpPath", "Catalog", "Schema"])
    if (!parameters.some((parameter) => parameter.name === name)) report(partition, `there is no parameter ${name}`);
  const [, name = ""] = /\[Name = "(\w+)", Kind = "Table"\]/.exec(source) ?? [];
  const from = gold.tables.find((one) => one.name === name);
  if (!from) {
    report(partition, `no gold table ${name}`);
    return;
  }
  const columns = table.children.filter(({ kind }) => kind === "column");
  for (const column of columns) {
    const sourceColumn = column.properties.get("sourceColumn") ?? "";
    const found = from.columns.find((one) => one.name === sourceColumn);
    if (!found) report(column, `gold table ${name} has no column ${sourceColumn}`);
    else if (dataTypes[found.type] !== column.properties.get("dataType"))
      report(column, `${sourceColumn} is ${found.type} in the gold table`);
  }
  const taken = new Set(columns.map(({ properties }) => properties.get("sourceColumn")));
  for (const column of from.columns) if (!taken.has(column.name)) report(table, `${column.name} is not in the model`);
}

/** Faults of a DAX expression: columns, measures or functions that are not there, and open brackets. */
function faultsOfDax(dax: string, { columns }: ModelFields, measures: ReadonlySet<string>): string[] {
  const faults: string[] = [];
  const named = dax.replaceAll(/(?:'([^']+)'|(\w+))\[([^\]]+)\]/g, (_, quoted, plain, column) => {
    const field = `${quoted ?? plain}.${column}`;
    if (!columns.has(field)) faults.push(`column ${field} does not exist`);
    return "0";
  });
  const rest = named.replaceAll(/\[([^\]]+)\]/g, (_, measure) => {
    if (!measures.has(measure)) faults.push(`measure [${measure}] does not exist`);
    return "0";
  });
  for (const [, name = ""] of rest.matchAll(/(\w+)\(/g)) if (!functions.has(name)) faults.push(`unknown ${name}()`);
  if (rest.split("(").length !== rest.split(")").length || rest.includes("[")) faults.push("brackets do not match");
  return faults;
}
