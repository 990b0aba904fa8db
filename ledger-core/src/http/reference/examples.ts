import recorded from "./examples.json" with { type: "json" };

/**
 * A request of the reference and its answer. In their order they are a story on an empty ledger, recorded from a real
 * one; a test sends them again and compares every answer.
 */
export type Example = {
  /** Method and path as the document names them. */
  readonly route: string;
  /** Unique among the examples of its route. */
  readonly name: string;
  readonly summary: string;
  readonly path: string;
  /** Who asks; an operator when absent. */
  readonly consumer?: string;
  readonly key?: string;
  readonly body?: object;
  readonly status: number;
  readonly answer: object;
};

export const examples: readonly Example[] = recorded;
