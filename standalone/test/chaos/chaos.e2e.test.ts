import { expect, test } from "vitest";
import { faultsOfReport, playChaos } from "./chaos.ts";

const FAULTS = 3;
const seed = Math.floor(Math.random() * 2 ** 31);

test(`${FAULTS} faults of services and engines under load, seed ${seed}`, { timeout: 600_000 }, async () => {
  const report = await playChaos({ seed, goOn: (played) => played < FAULTS, tell: () => undefined });
  expect(faultsOfReport(report)).toEqual([]);
  expect(report.faults).toHaveLength(FAULTS);
  for (const { name, commands, queries } of report.faults) {
    expect(commands.length, name).toBeGreaterThan(0);
    expect(queries.length, name).toBeGreaterThan(0);
  }
});
