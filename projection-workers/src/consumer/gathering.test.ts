import type { Delivery } from "ledger-core/event-log";
import { randomHistory } from "ledger-core/testing";
import { expect, test } from "vitest";
import { stored } from "../testing/stores.ts";
import { gather } from "./gathering.ts";

const events = stored(randomHistory(11, 30));

/** Deliveries that are made one by one. */
function deliveries() {
  const made: Delivery[] = [];
  let next = Promise.withResolvers<void>();
  return {
    make(...more: readonly Delivery[]) {
      made.push(...more);
      next.resolve();
    },
    async *[Symbol.asyncIterator](): AsyncGenerator<Delivery> {
      for (let n = 0; ; n++) {
        while (n >= made.length) {
          next = Promise.withResolvers();
          await next.promise;
        }
        const delivery = made[n];
        if (delivery) yield delivery;
      }
    },
  };
}

const some = (from: number, to: number): Delivery => ({ kind: "events", events: events.slice(from, to) });
const end = (to: number): Delivery => ({ kind: "caught_up", head: to - 1 });

test("a consumer was not behind only if nothing had arrived when it asked, whatever the log says", async () => {
  const source = deliveries();
  source.make(some(0, 5), end(5));
  const gathered = gather(source, () => 100)[Symbol.asyncIterator]();
  expect((await gathered.next()).value).toMatchObject({ caughtUp: true, waited: false });
  source.make(some(5, 8), end(8));
  await new Promise((resolve) => setImmediate(resolve));
  expect((await gathered.next()).value).toEqual({ events: events.slice(5, 8), caughtUp: true, waited: false });
  const asked = gathered.next();
  await new Promise((resolve) => setImmediate(resolve));
  source.make(some(8, 9), end(9));
  expect((await asked).value).toMatchObject({ waited: true });
  await gathered.return?.(undefined);
});
