import { describe, expect, test } from "vitest";
import { attack } from "./attack.ts";

/*
 * The short form of `npm run attack`, with a new seed each time, printed on failure. Two thousand rounds are run by
 * hand.
 */
const rounds = Number(process.env.LEDGER_ATTACK_ROUNDS ?? 15);
const seed = Number(process.env.LEDGER_SEED ?? Date.now() % 2 ** 31);

describe(`files attacked by chance, seed ${seed}`, { timeout: 120_000 + rounds * 5000 }, () => {
  test.each([
    ["state", "running"],
    ["state", "stopped"],
  ] as const)(
    "the %s of a %s ledger: nothing wrong is decided, nothing is lost, and it serves on",
    async (target, mode) => {
      const report = await attack({ target, mode, rounds, seed });
      expect(report.findings, `seed ${seed}`).toEqual([]);
      expect(report.damages).toBeGreaterThanOrEqual(rounds);
      expect(report.eventsChecked).toBeGreaterThan(1000);
    },
  );
});
