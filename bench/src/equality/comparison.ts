import type { seeded } from "ledger-core/testing/history";
import type { Asking, ListAnswer, RandomQuestion } from "./asking.ts";
import { type Objects, question } from "./questions.ts";

/** The addresses of two ledgers on copies of one log. */
export type Two = { readonly old: string; readonly new: string };
export type Comparison = {
  readonly asked: number;
  /** Lists of which only the first pages were compared. */
  readonly cut: number;
  /** Mean milliseconds until each had answered. */
  readonly took: Readonly<Record<keyof Two, number>>;
  /** The first questions with different answers, as text. */
  readonly differing: readonly string[];
};

const LANES = 8;
const DIFFERING_MAX = 10;
const TELL_EVERY = 10_000;

/** Asks both the same random questions, so many or until ten answers differ. */
export async function compare(
  asking: Asking,
  two: Two,
  { objects, next, queries }: { objects: Objects; next: ReturnType<typeof seeded>; queries: number },
): Promise<Comparison> {
  const found = { asked: 0, cut: 0, took: { old: 0, new: 0 }, differing: [] as string[] };

  async function timed<Answer>(name: keyof Two, answer: Promise<Answer>): Promise<Answer> {
    const began = performance.now();
    const answered = await answer;
    found.took[name] += performance.now() - began;
    return answered;
  }
  async function both<Answer>(ask: (base: string) => Promise<Answer>): Promise<readonly [Answer, Answer]> {
    return Promise.all([timed("old", ask(two.old)), timed("new", ask(two.new))]);
  }
  async function isEqual(one: RandomQuestion): Promise<readonly [boolean, unknown, unknown]> {
    if (one.rows === undefined) {
      const [before, after] = await both((base) => asking.single(base, one));
      return [isHeld(before, after), before, after];
    }
    const [before, after] = await both((base) => asking.list(base, one));
    if (!(before.ended && after.ended)) found.cut++;
    return [areEqual(before, after), before, after];
  }
  async function lane(): Promise<void> {
    while (found.asked < queries && found.differing.length < DIFFERING_MAX) {
      found.asked++;
      if (found.asked % TELL_EVERY === 0) console.error(`${new Date().toISOString()} ${found.asked} asked`);
      const one = question(objects, next);
      const [equal, before, after] = await isEqual(one);
      if (!equal)
        found.differing.push(`${one.role} ${one.sub} ${one.path}\n  old ${told(before)}\n  new ${told(after)}`);
    }
  }

  await Promise.all(Array.from({ length: LANES }, lane));
  const { asked, took } = found;
  return { ...found, took: { old: took.old / asked, new: took.new / asked } };
}

/** Of a list whose end was not seen, the rows that both have shown must be equal. */
function areEqual(before: ListAnswer, after: ListAnswer): boolean {
  if (before.ended && after.ended) return isHeld(before, after);
  const shown = Math.min(before.rows.length, after.rows.length);
  return isHeld(before.rows.slice(0, shown), after.rows.slice(0, shown));
}

/** Whether the new answer equals the old, apart from fields that objects have gained since. */
function isHeld(before: unknown, after: unknown): boolean {
  if (typeof before !== "object" || before === null || typeof after !== "object" || after === null)
    return before === after;
  if (Array.isArray(before) && (!Array.isArray(after) || after.length !== before.length)) return false;
  return Object.entries(before).every(([name, value]) => isHeld(value, Reflect.get(after, name)));
}

function told(answer: unknown): string {
  return JSON.stringify(answer).slice(0, 600);
}
