import { executionAsyncResource } from "node:async_hooks";

/**
 * Keeps `process.nextTick` fast. When a full garbage collection finds no tick pending, V8 drops the hidden classes of
 * Node's tick objects; before nextTick is optimized, that turns its property stores into runtime calls for good: 1 µs
 * per tick, and a payment has six. One tick object held in memory keeps the classes. Call it before the work begins.
 * @returns a function that releases the object
 */
export function keepTicksFast(): () => void {
  const held: object[] = [];
  process.nextTick(() => held.push(executionAsyncResource()));
  return () => held.splice(0);
}
