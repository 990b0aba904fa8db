import { setFlagsFromString } from "node:v8";

/**
 * Keeps V8 from making what lives for one batch where it keeps what lives for long. While a process warms up all of a
 * batch's objects outlive a collection, and V8 then makes them in the old generation for good: only a full collection
 * frees them, and until then they hold what is young. To be called once, before the work begins; it is the whole
 * process's, its threads included.
 */
export function allocateYoung(): void {
  setFlagsFromString("--no-allocation-site-pretenuring");
}
