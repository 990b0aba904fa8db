import { Ajv, type ValidateFunction } from "ajv";
import { checkModel, type GoldSchemaFile, type ModelFields } from "./model-check.ts";

/** The files of a Power BI project, by their path in its folder. */
export type ProjectFiles = ReadonlyMap<string, string>;

/** The faults of a document, by the schema that it names. */
type Validator = (document: unknown) => readonly string[];

/**
 * Every fault of a project: JSON that does not fit its published schema, files that it names and does not have, model
 * and gold tables that differ, fields of visuals that the model does not have.
 */
export function checkProject(files: ProjectFiles, validate: Validator, gold: GoldSchemaFile): readonly string[] {
  const models = new Map([...files].filter(([path]) => path.endsWith(".tmdl")));
  const { faults, fields } = checkModel(models, gold);
  const documents = new Map<string, unknown>();
  for (const [path, text] of files) {
    if (models.has(path)) continue;
    const document = parsed(text);
    documents.set(path, document);
    faults.push(...validate(document).map((why) => `${path}: ${why}`));
  }
  const folders = new Set(Array.from(files.keys(), (path) => path.split("/")[0]));
  for (const [path, document] of documents) {
    const report = (why: string) => faults.push(`${path}: ${why}`);
    if (path.endsWith(".pbip"))
      for (const artifact of itemsAt(document, "artifacts")) {
        const folder = at(artifact, "report", "path");
        if (!folders.has(String(folder))) report(`there is no ${folder}`);
      }
    if (path.endsWith(".pbir")) {
      const folder = String(at(document, "datasetReference", "byPath", "path")).replace(/^\.\.\//, "");
      if (!folders.has(folder)) report(`there is no ${folder}`);
    }
    if (path.endsWith("/pages.json")) checkPages(document, documents, report);
    if (path.endsWith("/page.json") || path.endsWith("/visual.json")) {
      const folder = path.split("/").at(-2);
      if (at(document, "name") !== folder) report(`its name is ${at(document, "name")}, its folder's ${folder}`);
    }
    if (path.endsWith("/visual.json")) checkFields(document, fields, report);
  }
  return faults;
}

type Report = (why: string) => void;

/** Checks JSON against Microsoft's published schemas, which are given by their URL. */
export function publishedValidator(schemas: ReadonlyMap<string, object>): Validator {
  const ajv = new Ajv({ strict: false, allErrors: true });
  for (const [url, schema] of schemas) ajv.addSchema(schema, url);
  const compiled = new Map<string, ValidateFunction | undefined>();
  return (document) => {
    if (document === undefined) return ["is not JSON"];
    const url = String(at(document, "$schema"));
    if (!compiled.has(url)) compiled.set(url, schemas.has(url) ? ajv.getSchema(url) : undefined);
    const check = compiled.get(url);
    if (!check) return [`its $schema ${url} is not among the published ones`];
    return check(document) ? [] : (check.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
  };
}

function checkPages(document: unknown, documents: ReadonlyMap<string, unknown>, report: Report): void {
  const pages = Array.from(documents.keys()).filter((path) => path.endsWith("/page.json"));
  const names = pages.map((path) => path.split("/").at(-2));
  const listed = itemsAt(document, "pageOrder");
  for (const name of listed) if (!names.includes(String(name))) report(`there is no page ${name}`);
  for (const name of names) if (!listed.includes(name)) report(`page ${name} is not in pageOrder`);
}

function checkFields(document: unknown, { columns, measures }: ModelFields, report: Report): void {
  const roles = Object.values(Object(at(document, "visual", "query", "queryState")));
  const projections = roles.flatMap((role) => itemsAt(role, "projections"));
  if (projections.length === 0) report("it shows nothing");
  for (const projection of projections) {
    const field = at(projection, "field");
    const kind = at(field, "Measure") === undefined ? "Column" : "Measure";
    const name = `${at(field, kind, "Expression", "SourceRef", "Entity")}.${at(field, kind, "Property")}`;
    if (!(kind === "Measure" ? measures : columns).has(name)) report(`the model has no ${kind.toLowerCase()} ${name}`);
    if (at(projection, "queryRef") !== name) report(`queryRef is ${at(projection, "queryRef")}, not ${name}`);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function at(value: unknown, ...names: readonly string[]): unknown {
  return names.reduce<unknown>((inner, name) => Object.getOwnPropertyDescriptor(Object(inner), name)?.value, value);
}

function itemsAt(value: unknown, name: string): readonly unknown[] {
  const items = at(value, name);
  return Array.isArray(items) ? items : [];
}
