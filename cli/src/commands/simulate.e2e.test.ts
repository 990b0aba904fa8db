import { describe, expect, test } from "vitest";
import { documentOf, ledger } from "../ledger.fixture.ts";

describe("ledger simulate", () => {
  test("keeps every promise, and prints how to repeat the run", async () => {
    const first = await ledger("simulate", "--seed", "7", "--steps", "5000", "--json");
    expect(first.code, first.stdout + first.stderr).toBe(0);
    expect(documentOf(first)).toMatchObject({ seed: 7, bug: null, failure: null });
    const again = await ledger("simulate", "--seed", "7", "--steps", "5000", "--json");
    expect(documentOf(again)).toEqual(documentOf(first));
  });

  test("without a seed it draws one and prints it", async () => {
    const { code, stdout } = await ledger("simulate", "--steps", "2000");
    expect(code, stdout).toBe(0);
    expect(stdout).toMatch(/^seed \d+: \d+ steps in \d+ worlds/);
    expect(stdout).toMatch(/digest [0-9a-f]{64}\nevery promise held\n$/);
  });

  test("runs the requested number of seeds, one after another", async () => {
    const { code, stdout } = await ledger("simulate", "--seed", "7", "--seeds", "2", "--steps", "2000");
    expect(code, stdout).toBe(0);
    expect(stdout.match(/^seed \d+/gm)).toEqual(["seed 7", "seed 8"]);
  });

  test("finds a planted bug and tells it as a story", async () => {
    const { code, stdout } = await ledger("simulate", "--seed", "2", "--bug", "refund-off-by-one");
    expect(code, stdout).toBe(0);
    expect(stdout).toContain("broken: 4 decisions");
    expect(stdout).toContain("should be refused: refund_exceeds_captured");
  });

  test("a bug not found within the steps is a failed check; an unknown bug is a usage error", async () => {
    const missed = await ledger("simulate", "--seed", "1", "--steps", "1", "--bug", "cursor-without-position");
    expect(missed.code).toBe(3);
    expect(missed.stdout).toContain("cursor-without-position was not found");
    const unknown = await ledger("simulate", "--bug", "no-such-bug");
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain("refund-off-by-one");
  });
});
