import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { bugNamed, plantedBugs, plantOf } from "./bugs/catalog.ts";
import { faultKinds } from "./faults.ts";
import { hunt } from "./hunt.ts";
import { shrink } from "./shrink.ts";

const root = join(import.meta.dirname, "../..");
/** From any seed, each bug is found within about 300,000 steps; one that hides longer is a hole in the simulator. */
const STEPS = 1_000_000;
/** Bugs that seed 1 finds late: these seeds find them sooner, which takes two thirds off this file's time. */
const seeds = new Map([
  ["nothing-written-told-of-a-part", 12],
  ["unbounded-event", 8],
  ["torn-batch-kept", 10],
  ["wild-clock-taken-over", 3],
  ["messages-lost-under-contention", 3],
]);

test.each(plantedBugs.map((bug) => [bug.name, bug] as const))(
  "finds %s",
  async (_name, bug) => {
    const { check } = await hunt(bug, seeds.get(bug.name) ?? 1, STEPS);
    expect(check, `${bug.name}: ${bug.what}`).toBeDefined();
  },
  300_000,
);

test("there are at least 25, each with a unique name", () => {
  const names = plantedBugs.map(({ name }) => name);
  expect(names.length).toBeGreaterThanOrEqual(25);
  expect(new Set(names).size).toBe(names.length);
});

test("a failure shrinks to fewer steps, fewer faults and a few lines", { timeout: 120_000 }, async () => {
  const bug = bugNamed("refund-off-by-one");
  const { failure } = bug ? await hunt(bug, 1, STEPS) : {};
  if (!bug || !failure) throw new Error("the bug was not found");
  const told = await shrink(failure, () => plantOf(bug));
  expect(told.steps).toBeLessThan(failure.result.steps);
  expect(told.faults.length).toBeLessThan(failure.faults.size);
  expect(told.story.length).toBeLessThanOrEqual(60);
  expect(told.detail).toContain("refund_exceeds_captured");
});

test("the table in docs/simulation.md names every bug and no other", () => {
  const page = readFileSync(join(root, "docs/simulation.md"), "utf8");
  const rows = [...page.matchAll(/^\| ([a-z0-9-]+) \| .* \| \d+ \| \d+\.\d+ \|$/gm)].map(([, name]) => name);
  expect(rows).toEqual(plantedBugs.map(({ name }) => name));
});

test("the table in docs/simulation.md names every fault and no other", () => {
  const [, section = ""] = readFileSync(join(root, "docs/simulation.md"), "utf8").split("## What goes wrong");
  const [table = ""] = section.split("\n## ");
  const named = [...table.matchAll(/^\| ([a-z_, ]+) \| /gm)].flatMap(([, names = ""]) => names.split(", "));
  expect(named.filter((name) => name !== "fault").toSorted()).toEqual([...faultKinds].toSorted());
});

test("only the simulator's own command can load a planted bug", () => {
  const reaching = sources("").filter((path) => /from "[^"]*simulation|import\("[^"]*simulation/.test(read(path)));
  expect(reaching).toEqual(["cli/src/commands/simulate-runs.ts"]);
});

function sources(folder: string): string[] {
  return readdirSync(join(root, folder || "."), { withFileTypes: true }).flatMap((entry) => {
    const path = folder ? `${folder}/${entry.name}` : entry.name;
    if (entry.isDirectory()) return /node_modules|^\.|simulation$/.test(entry.name) ? [] : sources(path);
    return path.endsWith(".ts") && !path.endsWith(".test.ts") ? [path] : [];
  });
}

function read(path: string): string {
  return readFileSync(join(root, path), "utf8");
}
