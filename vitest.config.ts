import { defineConfig } from "vitest/config";

const shared = {
  testTimeout: 30_000,
  hookTimeout: 60_000,
  pool: "forks",
} as const;

/** Two projects: sources first, two files at a time; then the whole ledger from outside, a file at a time, since it takes the machine. */
export default defineConfig({
  test: {
    allowOnly: false,
    projects: [
      {
        test: {
          ...shared,
          name: "parts",
          include: ["*/src/**/*.test.ts", "*/test/**/*.test.ts", ".ci/**/*.test.ts"],
          exclude: ["**/node_modules/**", "**/*.e2e.test.ts"],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          name: "whole",
          include: ["*/src/**/*.e2e.test.ts", "*/test/**/*.e2e.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
