/** An object of a TMDL file, such as a table, with the properties and objects below it. */
export type TmdlObject = {
  readonly path: string;
  readonly line: number;
  /** `table`, `column`, `measure` and so on; `ref table` for a reference. */
  readonly kind: string;
  readonly name: string;
  /** The text after the first `=`, and the lines below it that are no properties. */
  readonly expression: string;
  readonly properties: ReadonlyMap<string, string>;
  readonly children: readonly TmdlObject[];
};

type Draft = TmdlObject & {
  expression: string;
  readonly properties: Map<string, string>;
  readonly children: TmdlObject[];
  readonly depth: number;
};

/** Kinds of objects, each with the properties that it may have here. A kind or property that is not here is a fault. */
const known: Readonly<Record<string, readonly string[]>> = {
  database: ["compatibilityLevel"],
  model: ["culture", "defaultPowerBIDataSourceVersion", "discourageImplicitMeasures"],
  "ref table": [],
  "ref expression": [],
  expression: ["lineageTag"],
  relationship: ["fromColumn", "toColumn"],
  table: ["lineageTag", "dataCategory"],
  measure: ["formatString", "lineageTag"],
  column: [
    ...["dataType", "formatString", "lineageTag", "summarizeBy", "sourceColumn"],
    ...["isHidden", "isKey", "isNameInferred"],
  ],
  partition: ["mode", "source"],
};
const insideTable = new Set(["measure", "column", "partition"]);

const declaration = /^(ref table|ref expression|[a-z]+)(?: ('[^']+'|[\w-]+))?(?: = (.*))?$/;
const property = /^([A-Za-z]+)(?:: (.+)| =(?: (.+))?)?$/;

/**
 * Reads the part of TMDL that the project uses: one tab per level, descriptions after `///`, properties as `name:
 * value`, expressions after `=` or on deeper lines.
 */
export function parseTmdl(path: string, text: string): { objects: TmdlObject[]; faults: string[] } {
  const faults: string[] = [];
  const objects: TmdlObject[] = [];
  let open: Draft[] = [];
  /** The property whose expression goes on below, and its depth. */
  let block: { readonly name: string; readonly depth: number } | undefined;

  for (const [index, whole] of text.split("\n").entries()) {
    const fault = (why: string) => faults.push(`${path}:${index + 1}: ${why}`);
    const depth = /^\t*/.exec(whole)?.[0].length ?? 0;
    const line = whole.slice(depth);
    if (line.trim() === "") {
      if (whole !== "") fault("a line of spaces");
      continue;
    }
    if (/^ /.test(line) || /\s$/.test(line)) fault("spaces where tabs indent, or at the end of a line");
    const owner = open.at(-1);
    if (block && owner && depth > block.depth) {
      owner.properties.set(block.name, `${owner.properties.get(block.name) ?? ""}\n${line.trim()}`);
      continue;
    }
    block = undefined;
    if (line.startsWith("///")) continue;
    const [, kind = "", name = "", expression = ""] = declaration.exec(line) ?? [];
    if (Object.hasOwn(known, kind) && depth === (insideTable.has(kind) ? 1 : 0)) {
      open = open.filter((one) => one.depth < depth);
      const parent = open.at(-1);
      if (insideTable.has(kind) && parent?.kind !== "table") fault(`a ${kind} outside a table`);
      const draft: Draft = {
        ...{ path, line: index + 1, kind, depth, expression, name: name.replaceAll("'", "") },
        ...{ properties: new Map(), children: [] },
      };
      (parent?.children ?? objects).push(draft);
      open.push(draft);
      continue;
    }
    open = open.filter((one) => one.depth < depth);
    const of = open.at(-1);
    const [, key = "", value, begun] = property.exec(line) ?? [];
    if (!of || of.depth !== depth - 1 || !known[of.kind]?.includes(key)) {
      fault(`nothing that a ${of?.kind ?? "file"} has: ${line}`);
      continue;
    }
    if (of.properties.has(key)) fault(`${key} twice`);
    of.properties.set(key, value ?? begun ?? "");
    if (line.includes(" =") && begun === undefined) block = { name: key, depth };
  }
  return { objects, faults };
}
