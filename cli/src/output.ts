/** Exit codes of commands; `start` has more, one per reason not to start (standalone's `startFaults`). */
export const exitCodes = {
  ok: 0,
  failure: 1,
  usage: 2,
  checkNotMet: 3,
} as const;

/** A command's output: one document with `--json`, otherwise lines of text. */
export type Output = {
  readonly json: boolean;
  result(document: unknown, lines: readonly string[]): void;
};

export function createOutput(json: boolean, to: { write(text: string): unknown } = process.stdout): Output {
  return {
    json,
    result(document, lines) {
      to.write(json ? `${JSON.stringify(document, amountsAsText)}\n` : lines.map((line) => `${line}\n`).join(""));
    },
  };
}

/** Amounts are strings, as on the wire. */
export function amountsAsText(_name: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}
