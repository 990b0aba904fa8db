import { expect, test } from "vitest";
import { countTests, verdict } from "./counts.ts";

const ran = { passed: 3, failed: 0, skipped: 0 };

test("counts tests by their status over all files; pending, todo and disabled are skipped", () => {
  const report = {
    testResults: [
      { status: "passed", assertionResults: [{ status: "passed" }, { status: "passed" }, { status: "pending" }] },
      { status: "failed", assertionResults: [{ status: "failed" }, { status: "todo" }, { status: "passed" }] },
    ],
  };
  expect(countTests(report)).toEqual({ passed: 3, failed: 1, skipped: 2 });
});

test("a file that could not be loaded is a failure", () => {
  expect(countTests({ testResults: [{ status: "failed", assertionResults: [] }] })).toEqual({
    passed: 0,
    failed: 1,
    skipped: 0,
  });
});

test.each([null, [], {}, { testResults: 7 }, { testResults: [null] }])("%j counts nothing", (report) => {
  expect(countTests(report).passed + countTests(report).failed).toBe(0);
});

test("a run is good when tests passed and vitest says so", () => {
  expect(verdict(ran, 0, true)).toEqual({ exitCode: 0 });
});

test.each([
  ["a failed test", { ...ran, failed: 1 }, 1, false],
  ["vitest failing without a failed test", ran, 1, false],
  ["vitest ended by a signal", ran, null, false],
  ["nothing run", { passed: 0, failed: 0, skipped: 0 }, 0, false],
  ["a skipped test on a build machine", { ...ran, skipped: 1 }, 0, true],
])("%s fails the run", (_, counts, code, onBuildMachine) => {
  expect(verdict(counts, code, onBuildMachine).exitCode).toBe(1);
});

test("a skipped test passes elsewhere", () => {
  expect(verdict({ ...ran, skipped: 1 }, 0, false).exitCode).toBe(0);
});
