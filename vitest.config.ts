import { defineConfig } from "vitest/config";

const shared = {
  testTimeout: 30_000,
  hookTimeout: 60_000,
  pool: "forks",
} as const;

const wholeLedger = {
  ...shared,
  testTimeout: 120_000,
  hookTimeout: 120_000,
} as const;

/** They load a server to its bounds, and say something of it only where nothing else takes the machine. */
const alone = [
  "standalone/test/abuse/*.e2e.test.ts",
  "standalone/test/bounds.e2e.test.ts",
  "standalone/test/crowds.e2e.test.ts",
];

/**
 * Three projects: sources first, then the whole ledger from outside, both two files at a time; last what needs the
 * machine to itself.
 */
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
          ...wholeLedger,
          name: "whole",
          include: ["*/src/**/*.e2e.test.ts", "*/test/**/*.e2e.test.ts"],
          exclude: ["**/node_modules/**", ...alone],
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...wholeLedger,
          name: "alone",
          include: alone,
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
