export type Counts = { readonly passed: number; readonly failed: number; readonly skipped: number };

/**
 * Counts the tests in vitest's JSON report. A file that failed outside its tests (it could not be loaded) counts as one
 * failure.
 */
export function countTests(report: unknown): Counts {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const file of list(report, "testResults")) {
    const tests = list(file, "assertionResults").map((test) => field(test, "status"));
    for (const status of tests) counts[status === "passed" || status === "failed" ? status : "skipped"]++;
    if (field(file, "status") === "failed" && !tests.includes("failed")) counts.failed++;
  }
  return counts;
}

/** The result of the run as a whole. `vitestCode` is null when vitest was ended by a signal. */
export function verdict(
  counts: Counts,
  vitestCode: number | null,
  onBuildMachine: boolean,
): { readonly exitCode: number; readonly reason?: string } {
  if (vitestCode === null) return { exitCode: 1, reason: "The run was ended by a signal." };
  if (counts.failed > 0) return { exitCode: 1 };
  if (counts.passed === 0) return { exitCode: 1, reason: "No test ran." };
  if (vitestCode !== 0) return { exitCode: 1, reason: "No test failed, but vitest did: the cause stands above." };
  if (onBuildMachine && counts.skipped > 0)
    return { exitCode: 1, reason: "Tests were skipped: a build machine has what every test needs." };
  return { exitCode: 0 };
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Object.getOwnPropertyDescriptor(value, name)?.value : undefined;
}

function list(value: unknown, name: string): readonly unknown[] {
  const items = field(value, name);
  return Array.isArray(items) ? items : [];
}
