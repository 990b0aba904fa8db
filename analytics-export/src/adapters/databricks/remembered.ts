import type { GoldQuery, GoldRow } from "ledger-core";

type ReadRows = (query: GoldQuery) => Promise<readonly GoldRow[] | undefined>;

export type RememberTuning = {
  /** How long rows are served again, in ms. 0 to 86,400,000. Default 300,000. */
  readonly rememberMs: number;
  /** The most queries whose rows are kept; the oldest give way. 1 to 100,000. Default 500. */
  readonly rememberMax: number;
};

const standard: RememberTuning = { rememberMs: 300_000, rememberMax: 500 };

/** Tables whose rows may be a while old: what they rest on is checked when they are served. */
const mayBeOld: ReadonlySet<string> = new Set(["recommendations", "recommendation_models"]);

/**
 * Keeps rows of trained recommendations for a while. A warehouse may take longer than a request can wait for it: its
 * answer is then there for the next one, and a customer who comes back costs no statement.
 */
export function remembering(read: ReadRows, nowMs: () => number, tuning: Partial<RememberTuning> = {}): ReadRows {
  const { rememberMs, rememberMax } = { ...standard, ...tuning };
  const kept = new Map<string, { readonly rows: ReturnType<ReadRows>; readonly untilMs: number }>();
  return (query) => {
    if (!mayBeOld.has(query.table)) return read(query);
    const key = JSON.stringify(query);
    const known = kept.get(key);
    if (known && nowMs() < known.untilMs) return known.rows;
    kept.delete(key);
    const entry = { rows: read(query), untilMs: nowMs() + rememberMs };
    kept.set(key, entry);
    for (const oldest of kept.keys()) if (kept.size > rememberMax) kept.delete(oldest);
    entry.rows.catch(() => {
      if (kept.get(key) === entry) kept.delete(key);
    });
    return entry.rows;
  };
}
