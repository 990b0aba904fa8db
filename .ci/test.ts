import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Counts, countTests, verdict } from "./counts.ts";

/**
 * Runs the tests: all of them, or those that vitest finds by the arguments given. The last line counts what ran.
 * Fails when a test failed, when nothing ran, and on a build machine (CI=true) when a test was skipped.
 */
const root = resolve(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "payledger-test-"));
const report = join(folder, "report.json");
const vitest = spawn(
  process.execPath,
  [
    join(root, "node_modules/vitest/vitest.mjs"),
    "run",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
    ...process.argv.slice(2),
  ],
  // Threads and processes that tests start compile each source once.
  {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, NODE_COMPILE_CACHE: join(root, "node_modules/.cache/compile") },
  },
);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => vitest.kill(signal));
vitest.on("close", (code) => {
  const counts = readCounts();
  rmSync(folder, { recursive: true, force: true });
  const { exitCode, reason } = verdict(counts, code, process.env.CI === "true");
  if (reason) console.error(`\n${reason}`);
  console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  process.exitCode = exitCode;
});

/** No report, or one that is no report, counts as nothing run. */
function readCounts(): Counts {
  try {
    return countTests(JSON.parse(readFileSync(report, "utf8")));
  } catch {
    return { passed: 0, failed: 0, skipped: 0 };
  }
}
