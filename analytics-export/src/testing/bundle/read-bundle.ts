import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

export type YamlNode = string | number | boolean | null | readonly YamlNode[] | { readonly [key: string]: YamlNode };
export type Mapping = { readonly [key: string]: YamlNode };

/** An asset bundle as its files say it, included ones merged in. */
export type Bundle = {
  readonly root: Mapping;
  /** By kind and then by name, as in `jobs`, `nightly`. */
  readonly resources: Readonly<Record<string, Readonly<Record<string, Mapping>>>>;
  /** Patterns of `include` that match no file. */
  readonly absent: readonly string[];
  /** The commands of the wheel, by name: the text of the module that each runs. */
  readonly commands: Readonly<Record<string, string>>;
  readonly packageName: string;
};

/** Reads `databricks.yml`, what it includes, and the wheel's pyproject.toml. @throws on a syntax error */
export function readBundle(folder: string): Bundle {
  const read = (path: string) => mapping(parse(readFileSync(join(folder, path), "utf8"), { merge: true }));
  const root = read("databricks.yml");
  const patterns = list(root.include).map(String);
  const files = patterns.map((pattern) => globSync(pattern, { cwd: folder }).toSorted());
  const parts = [root, ...files.flat().map(read)].map(({ resources }) => mapping(resources ?? {}));
  const kinds = [...new Set(parts.flatMap((part) => Object.keys(part)))];
  const resources = kinds.map((kind) => {
    const named = parts.flatMap((part) => Object.entries(mapping(part[kind] ?? {})));
    return [kind, Object.fromEntries(named.map(([name, resource]) => [name, mapping(resource)]))] as const;
  });
  return {
    ...{ root, resources: Object.fromEntries(resources) },
    absent: patterns.filter((_, index) => files[index]?.length === 0),
    ...wheelOf(folder),
  };
}

function wheelOf(folder: string): Pick<Bundle, "commands" | "packageName"> {
  const text = readFileSync(join(folder, "pyproject.toml"), "utf8");
  const scripts = [...text.matchAll(/^(\w+) = "([\w.]+):main"$/gm)].map(([, name = "", module = ""]) => {
    const file = join(folder, `${module.replaceAll(".", "/")}.py`);
    return [name, existsSync(file) ? readFileSync(file, "utf8") : ""] as const;
  });
  const packageName = (/^name = "([\w-]+)"$/m.exec(text)?.[1] ?? "").replaceAll("-", "_");
  return { commands: Object.fromEntries(scripts), packageName };
}

/** @throws if it is none */
export function mapping(node: unknown): Mapping {
  if (typeof node !== "object" || node === null || Array.isArray(node)) throw new TypeError("a mapping is expected");
  return node as Mapping;
}

export function list(node: YamlNode | undefined): readonly YamlNode[] {
  return Array.isArray(node) ? node : [];
}
