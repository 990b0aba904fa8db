/** Runs tasks one after another: the served build does not change while one runs. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<Result>(work: () => Promise<Result>): Promise<Result> {
    const mine = this.#last.then(work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  /** Waits for the tasks that were given until now. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
