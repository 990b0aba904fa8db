/**
 * A promise of the ledger that a simulated world broke. `check` is stable: the same hole has the same name in every
 * run.
 */
export class Violation extends Error {
  readonly check: string;

  constructor(check: string, detail: string) {
    super(detail);
    this.name = "Violation";
    this.check = check;
  }
}

/** Ends the run if a promise does not hold. */
export function mustHold(condition: boolean, check: string, detail: () => string): void {
  if (!condition) throw new Violation(check, detail());
}
