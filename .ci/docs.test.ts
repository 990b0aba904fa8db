import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const pages = globSync(["*.md", "docs/**/*.md"], { cwd: root });

/** The names under a member of a manifest. */
function names(manifest: string, member: string): string[] {
  const parsed: unknown = JSON.parse(read(manifest));
  const found: unknown = Object.getOwnPropertyDescriptor(parsed, member)?.value;
  if (Array.isArray(found)) return found.map(String);
  return typeof found === "object" && found !== null ? Object.keys(found) : [];
}

test.each(pages)("every link of %s to a file leads somewhere", (page) => {
  const links = [...read(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map((match) => match[1] ?? "");
  const broken = links.filter((link) => !existsSync(join(root, dirname(page), link)));
  expect(broken).toEqual([]);
});

test("docs/dependencies.md names every direct dependency and no other, each with its license", () => {
  const manifests = ["package.json", ...names("package.json", "workspaces").map((name) => `${name}/package.json`)];
  const direct = manifests.flatMap((path) => [...names(path, "dependencies"), ...names(path, "devDependencies")]);
  const rows = [...read("docs/dependencies.md").matchAll(/^\| (\S+) \|(.*)\|$/gm)].filter(
    ([, name]) => name !== "package" && name !== "---",
  );
  expect(rows.map(([, name]) => name).sort()).toEqual([...new Set(direct)].sort());
  for (const [, name = "", rest = ""] of rows) {
    const license = /"license": "([^"]+)"/.exec(read(`node_modules/${name}/package.json`))?.[1] ?? "none";
    expect(rest, name).toContain(`| ${license} |`);
  }
});

test("every ADR has its number, a title and a decision", () => {
  const adrs = globSync("docs/adr/*.md", { cwd: root }).sort();
  expect(adrs.length).toBeGreaterThan(0);
  adrs.forEach((path, index) => {
    expect(path).toMatch(new RegExp(`/${String(index + 1).padStart(4, "0")}-[a-z0-9-]+\\.md$`));
    const number = path.slice("docs/adr/".length, "docs/adr/".length + 4);
    expect(read(path)).toMatch(new RegExp(`^# ${number} · .+\n[^]*\\*\\*Decision\\.\\*\\* `));
  });
});
