/** An item with a time; `order` decides between items of the same time. */
type Timed = { readonly at: number; readonly order: number };

// A binary heap in an array, with the first item at index 0.

function before(a: Timed, b: Timed): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** Inserts an item. */
export function push<T extends Timed>(heap: T[], task: T): void {
  let index = heap.length;
  heap.push(task);
  while (index > 0) {
    const above = (index - 1) >> 1;
    const parent = heap[above];
    if (!parent || before(parent, task)) break;
    heap[index] = parent;
    index = above;
  }
  heap[index] = task;
}

/** Removes the first item. */
export function pop<T extends Timed>(heap: T[]): T | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (!first || !last || heap.length === 0) return first;
  let index = 0;
  for (;;) {
    const left = 2 * index + 1;
    let child = heap[left];
    if (!child) break;
    let at = left;
    const right = heap[left + 1];
    if (right && before(right, child)) {
      child = right;
      at = left + 1;
    }
    if (before(last, child)) break;
    heap[index] = child;
    index = at;
  }
  heap[index] = last;
  return first;
}
