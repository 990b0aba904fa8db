/**
 * A queue that takes turns among callers: however many a caller has waiting, another's first is next but for one of
 * each.
 */
export type FairQueue<Item> = {
  readonly size: number;
  /** How many of a caller wait. */
  of(caller: string): number;
  add(caller: string, item: Item): void;
  next(): Item | undefined;
  /** Takes away the newest of the caller that has the most; ties go to the one whose turn is last. */
  dropLongest(): Item | undefined;
};

export function createFairQueue<Item>(): FairQueue<Item> {
  // In the order of their turns.
  let callers = new Map<string, Item[]>();
  let size = 0;
  return {
    get size() {
      return size;
    },
    of: (caller) => callers.get(caller)?.length ?? 0,
    add(caller, item) {
      const own = callers.get(caller);
      if (own) own.push(item);
      else callers.set(caller, [item]);
      size++;
    },
    next() {
      const [first] = callers;
      if (!first) return undefined;
      const [caller, own] = first;
      const item = own.shift();
      callers.delete(caller);
      size--;
      if (own.length > 0) callers.set(caller, own);
      // A table that grew once is let go: V8 keeps what such a one has outgrown.
      else if (size === 0) callers = new Map();
      return item;
    },
    dropLongest() {
      let longest: [string, Item[]] | undefined;
      for (const entry of callers) if (entry[1].length >= (longest?.[1].length ?? 1)) longest = entry;
      if (!longest) return undefined;
      const [caller, own] = longest;
      const item = own.pop();
      size--;
      if (own.length === 0) callers.delete(caller);
      return item;
    },
  };
}
