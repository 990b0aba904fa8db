import type { Delivery } from "../ports/event-log.ts";
import type { MirrorSource } from "../ports/mirror-source.ts";

/** A subscription that collects revisions in the background until the test ends. */
export function follow(source: MirrorSource, shard: number, from: number) {
  const abort = new AbortController();
  const deliveries = source.subscribe(shard, from, abort.signal)[Symbol.asyncIterator]();
  let seen: number[] = [];
  let pending: Promise<IteratorResult<Delivery>> | undefined;
  return {
    /** The revisions since the last call, up to and including `last`. */
    async until(last: number): Promise<number[]> {
      while ((seen.at(-1) ?? -1) < last) {
        pending ??= deliveries.next();
        const step = await pending;
        pending = undefined;
        if (step.done) break;
        if (step.value.kind === "events") seen.push(...step.value.events.map(({ revision }) => revision));
      }
      const revisions = seen;
      seen = [];
      return revisions;
    },
    async end(): Promise<void> {
      abort.abort();
      await pending?.catch(() => undefined);
      await deliveries.return?.();
    },
  };
}
