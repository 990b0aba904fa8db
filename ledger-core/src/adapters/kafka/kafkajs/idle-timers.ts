import { createRequire } from "node:module";

/** What is used of kafkajs's queue of requests. */
type RequestQueue = { readonly pending: readonly unknown[]; scheduleCheckPendingRequests(): void };
type QueueClass = { readonly prototype: RequestQueue };

/**
 * Mends a fault of kafkajs 2.2.4: after each answer it arms a timer, with nothing to send too, at a time in the past.
 * Node makes that 1 ms: a thousand wake-ups per second of an idle connection, and 4 % of a core. An empty queue has
 * nothing to check later, and a request that has to wait arms the timer itself. Done here and not by a patch of the
 * package, so that an installation without scripts has it too. Harmless when done twice.
 */
export function mendIdleTimers(): void {
  const { prototype }: QueueClass = createRequire(import.meta.url)("kafkajs/src/network/requestQueue");
  const schedule = prototype.scheduleCheckPendingRequests;
  if (schedule.name === "checkLaterIfAnyWaits") return;
  prototype.scheduleCheckPendingRequests = function checkLaterIfAnyWaits(this: RequestQueue) {
    if (this.pending.length > 0) schedule.call(this);
  };
}
