import { createRequire } from "node:module";

/** The part of kafkajs's request queue used here. */
type RequestQueue = { readonly pending: readonly unknown[]; scheduleCheckPendingRequests(): void };
type QueueClass = { readonly prototype: RequestQueue };

/**
 * Works around a bug of kafkajs 2.2.4: after each response it sets a timer with a time in the past, even with nothing
 * to send. Node makes that 1 ms: a thousand wake-ups per second on an idle connection, or 4 % of a core. An empty queue
 * has nothing to check later, and a request that must wait sets the timer itself. A patch of the package would be lost
 * in an installation without scripts. Calling it twice is harmless.
 */
export function mendIdleTimers(): void {
  const { prototype }: QueueClass = createRequire(import.meta.url)("kafkajs/src/network/requestQueue");
  const schedule = prototype.scheduleCheckPendingRequests;
  if (schedule.name === "checkLaterIfAnyWaits") return;
  prototype.scheduleCheckPendingRequests = function checkLaterIfAnyWaits(this: RequestQueue) {
    if (this.pending.length > 0) schedule.call(this);
  };
}
