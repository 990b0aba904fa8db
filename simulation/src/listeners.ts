export type Listeners = {
  /** @returns a function that removes the listener */
  add(listener: () => void): () => void;
  call(): void;
};

export function makeListeners(): Listeners {
  const listeners = new Set<() => void>();
  return {
    add(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    call() {
      for (const listener of listeners) listener();
    },
  };
}
