import { execFile } from "node:child_process";
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { createProgram } from "../program.ts";
import { dashboardJson } from "./dashboard.ts";

/*
 * Alert rules, dashboard and pages for operators name metrics, commands and files that exist.
 * standalone/test/processes.e2e.test.ts compares the metrics of docs/operations.md with running services.
 */

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "../../..");
const monitoring = join(root, "charts/payledger/files");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const rules = read("charts/payledger/files/alerts.yaml");
const alerts = [...rules.matchAll(/alert: (\w+)\n(?:.*\n)*?\s+runbook: (\S+)/g)].map(([, name = "", page = ""]) => ({
  name,
  page,
}));

/** Metrics that others serve: the kubelet, and the exporter of a MySQL server. */
const foreign = [
  "kubelet_volume_stats_available_bytes",
  "kubelet_volume_stats_capacity_bytes",
  "mysql_slave_status_seconds_behind_master",
];

/** The names of metrics in PromQL: what is no function, keyword, label or recorded series. */
function metricsIn(promql: string): string[] {
  const bare = promql
    .replaceAll(/\{[^}]*\}|\[[^\]]*\]|"[^"]*"/g, "")
    .replaceAll(/\b(?:by|on|without|ignoring)\s*\([^)]*\)/g, "");
  return [...bare.matchAll(/(?<![\w:])[a-z][a-z0-9_]*_[a-z0-9_]+(?![\w:]|\s*\()/g)].map(([name]) => name);
}

function documented(): ReadonlySet<string> {
  return new Set([...read("docs/operations.md").matchAll(/^\| `(\w+)` \|/gm)].map(([, name = ""]) => name));
}

function unknownMetrics(promql: readonly string[]): string[] {
  const known = documented();
  const base = (name: string) => (known.has(name) ? name : name.replace(/_(?:bucket|count|sum)$/, ""));
  return [...new Set(promql.flatMap(metricsIn))].filter((name) => !foreign.includes(name) && !known.has(base(name)));
}

function expressions(): string[] {
  return [...rules.matchAll(/expr: (?:>-\n((?: {10}.*\n)+)|(.*)\n)/g)].map(([, block, line]) => block ?? line ?? "");
}

describe("alert rules", () => {
  test("every metric that they name is served", () => {
    expect(expressions()).toHaveLength([...rules.matchAll(/expr:/g)].length);
    expect(expressions().flatMap(metricsIn)).toContain("log_append_seconds_bucket");
    expect(unknownMetrics(expressions())).toEqual([]);
    expect(unknownMetrics(["rate(log_appends_bucket[5m]) > 0"])).toEqual(["log_appends_bucket"]);
  });

  test("each has a page that says what users notice, where to look and what to do", () => {
    expect(alerts).toHaveLength([...rules.matchAll(/- alert:/g)].length);
    for (const { name, page } of alerts) {
      const text = read(page);
      expect(text.split("\n")[0], page).toContain(name);
      for (const part of ["Users notice", "Look", "Do"]) expect(text, page).toContain(`**${part}.**`);
    }
    const pages = globSync("docs/operate/alerts/*.md", { cwd: root });
    expect(pages.sort()).toEqual(alerts.map(({ page }) => page).sort());
  });

  const promtool = (process.env.PATH ?? "").split(":").some((folder) => existsSync(join(folder, "promtool")));
  if (!promtool && process.env.CI === "true") throw new Error("promtool is missing: apt-get install prometheus");
  test.skipIf(!promtool)("promtool accepts them, and its unit tests pass (Debian's package prometheus)", async () => {
    await run("promtool", ["check", "rules", "alerts.yaml"], { cwd: monitoring });
    await run("promtool", ["test", "rules", "alerts.test.yaml"], { cwd: monitoring });
    const fired = readFileSync(join(monitoring, "alerts.test.yaml"), "utf8");
    for (const { name } of alerts) expect(fired).toContain(`alertname="${name}"`);
  });
});

describe("the dashboard", () => {
  test("is made from cli/src/operate/dashboard.ts (LEDGER_RECORD_DASHBOARD=1 writes it)", () => {
    const path = join(monitoring, "dashboard.json");
    if (process.env.LEDGER_RECORD_DASHBOARD === "1") writeFileSync(path, dashboardJson());
    expect(JSON.parse(readFileSync(path, "utf8"))).toEqual(JSON.parse(dashboardJson()));
  });

  test("every metric and recorded series that it names exists", () => {
    const queries = [...dashboardJson().matchAll(/"expr": "((?:[^"\\]|\\.)*)"/g)].map(([, text]) =>
      String(JSON.parse(`"${text}"`)),
    );
    expect(queries.length).toBeGreaterThan(10);
    expect(unknownMetrics(queries)).toEqual([]);
    for (const [series] of queries.join(" ").matchAll(/payledger:[\w:]+/g))
      expect(rules).toContain(`record: ${series}`);
  });
});

test("every `ledger` command and option in docs/operate exists", { timeout: 120_000 }, async () => {
  const program = await createProgram(undefined, () => undefined);
  let checked = 0;
  for (const page of globSync("docs/operate/**/*.md", { cwd: root })) {
    const text = read(page);
    const code = [...text.matchAll(/```sh\n([\s\S]*?)```|`([^`\n]+)`/g)].map(([, block, span]) => block ?? span ?? "");
    for (const line of code.flatMap((part) => part.split("\n"))) {
      const [, call] = /^(?:\w+=\S+ )*(?:npx )?ledger ([a-z][^#|&;>]*)/.exec(line) ?? [];
      if (call === undefined) continue;
      checkCall(program, call.trim().split(/\s+/), `${page}: ${line}`);
      checked++;
    }
  }
  expect(checked).toBeGreaterThan(10);
});

function checkCall(program: Command, words: readonly string[], place: string): void {
  let command = program;
  for (const word of words) {
    const next = command.commands.find((child) => child.name() === word);
    if (next) command = next;
    else if (command === program) throw new Error(`${place}: there is no command ${word}`);
    if (!word.startsWith("--") || word === "--help") continue;
    expect(
      command.options.map(({ long }) => long),
      place,
    ).toContain(word);
  }
}
