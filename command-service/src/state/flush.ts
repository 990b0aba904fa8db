/** The steps of a flush of the decision state; a step that yields a promise waits for another thread. */
export type Flush = Generator<Promise<void> | void>;

/** Runs a flush to its end. */
export async function finishFlush(flush: Flush): Promise<void> {
  for (const step of flush) if (step) await step;
}
