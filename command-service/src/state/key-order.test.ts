import fc from "fast-check";
import { expect, test } from "vitest";
import { orderOf } from "./key-order.ts";
import { KeyTail } from "./key-tail.ts";

test("entries come in the order of their high halves, the earlier first where they are equal", () => {
  const high = fc.oneof(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.constantFrom(0, 5, 2 ** 31, 2 ** 32 - 1));
  fc.assert(
    fc.property(fc.array(high, { maxLength: 2000 }), (highs) => {
      const tail = new KeyTail();
      for (const [i, value] of highs.entries()) tail.add(value, i, i);
      const work = orderOf(tail);
      let step = work.next();
      while (!step.done) step = work.next();
      const places = highs.map((_, i) => i);
      expect([...step.value]).toEqual(places.sort((a, b) => (highs[a] ?? 0) - (highs[b] ?? 0)));
    }),
  );
});
