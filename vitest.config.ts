import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Limits that only a test that hangs meets, also on a machine that is busy with others. */
const shared = {
  testTimeout: 120_000,
  hookTimeout: 120_000,
  expect: { poll: { timeout: 60_000 } },
  pool: "forks",
} as const;

/** They load a server to its bounds, and say something of it only where nothing else takes the machine. */
const alone = [
  "standalone/test/abuse/*.e2e.test.ts",
  "standalone/test/bounds.e2e.test.ts",
  "standalone/test/crowds.e2e.test.ts",
];

/** The files that take longest, the longest first. Started last, they would run on while the other cores rest. */
const longest = [
  "standalone/test/kill-loop.e2e.test.ts",
  "standalone/test/openapi-fuzz.e2e.test.ts",
  "simulation/src/hunt.test.ts",
  "cli/src/import/berka.e2e.test.ts",
  "simulation/src/run.test.ts",
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = longest.findIndex((file) => moduleId.endsWith(`/${file}`));
      return at < 0 ? longest.length : at;
    };
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}

/**
 * Three projects: sources and the whole ledger from outside, three files at a time, since many wait for processes that
 * they start; then what needs the machine to itself.
 */
export default defineConfig({
  test: {
    allowOnly: false,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          ...shared,
          name: "parts",
          include: ["*/src/**/*.test.ts", "*/test/**/*.test.ts", ".ci/**/*.test.ts"],
          exclude: ["**/node_modules/**", "**/*.e2e.test.ts"],
          maxWorkers: 3,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          name: "whole",
          include: ["*/src/**/*.e2e.test.ts", "*/test/**/*.e2e.test.ts"],
          exclude: ["**/node_modules/**", ...alone],
          maxWorkers: 3,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          name: "alone",
          include: alone,
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
