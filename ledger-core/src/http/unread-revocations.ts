import type { Revocation } from "../ports/revocations.ts";

/** Revocations that this process has added, and that no read has found so far. */
export class UnreadRevocations {
  /** By name; true once the store has acknowledged it. */
  readonly #added = new Map<string, boolean>();

  async during(revocation: Revocation, add: () => Promise<Revocation>): Promise<Revocation> {
    const name = nameOf(revocation);
    this.#added.set(name, false);
    try {
      const kept = await add();
      // A read may have found it already.
      if (this.#added.has(name)) this.#added.set(name, true);
      return kept;
    } catch (error) {
      this.#added.delete(name);
      throw error;
    }
  }

  /** Those that a read which begins now has to find. */
  acknowledged(): readonly string[] {
    return [...this.#added].flatMap(([name, acknowledged]) => (acknowledged ? [name] : []));
  }

  found(revocation: Revocation): void {
    this.#added.delete(nameOf(revocation));
  }

  /** Whether a read that ended has not found one of those that it had to; they are forgotten. */
  missing(expected: readonly string[]): boolean {
    return expected.filter((name) => this.#added.delete(name)).length > 0;
  }
}

/** A tenant holds no space. */
function nameOf({ tenant, id }: Revocation): string {
  return `${tenant} ${id}`;
}
