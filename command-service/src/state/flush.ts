/** A flush of the decision state, a step at a time; a step that gives a promise waits for work in another thread. */
export type Flush = Generator<Promise<void> | void>;

/** Runs a flush to its end. */
export async function finishFlush(flush: Flush): Promise<void> {
  for (const step of flush) if (step) await step;
}
