import type { Revision } from "../../domain/position.ts";

/** Marks kept at most; further ones make the offsets coarser. */
const MARKS_MAX = 256;

/**
 * Finds the offset that follows the records of applied events: above their revision, by as many records as are repeats
 * or foreign. All records before `offset` hold events before `from`.
 */
export function appliedOffsets(from: Revision, offset: number) {
  const marks = [{ revision: from - 1, offset }];
  return {
    /** All records before this offset hold events up to this revision. */
    read(revision: Revision, offset: number): void {
      if (marks.at(-1)?.revision === revision || marks.length === MARKS_MAX) marks.pop();
      marks.push({ revision, offset });
    },
    /** Undefined if events before `from` are not applied. */
    after(applied: Revision): number | undefined {
      while (marks[1] && marks[1].revision <= applied) marks.shift();
      const [mark] = marks;
      return mark && mark.revision <= applied ? mark.offset : undefined;
    },
  };
}
