import { setFlagsFromString } from "node:v8";

/**
 * Keeps V8 from allocating short-lived objects in the old generation. While a process warms up, a batch's objects
 * outlive a minor collection, and V8 then allocates them in the old generation for good, where only a full collection
 * frees them. Call once, before the work begins; applies to the whole process with its threads.
 */
export function allocateYoung(): void {
  setFlagsFromString("--no-allocation-site-pretenuring");
}
