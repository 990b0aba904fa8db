/**
 * A round-robin queue over callers: one caller's backlog delays another caller's first item by at most one item per
 * caller.
 */
type FairQueue<Item> = {
  readonly size: number;
  /** The number of items that a caller has waiting. */
  of(caller: string): number;
  add(caller: string, item: Item): void;
  next(): Item | undefined;
  /** Removes the newest item of the caller with the most; on a tie, of the one whose turn is last. */
  dropLongest(): Item | undefined;
};

export function createFairQueue<Item>(): FairQueue<Item> {
  // In round-robin order.
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
      // Replaces a Map that has grown: V8 keeps the tables it has outgrown.
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
