import fc from "fast-check";
import { expect, test } from "vitest";
import { sortedPlaces } from "./key-order.ts";

test("places come in the order of their numbers, the earlier first where they are equal", () => {
  const number = fc.oneof(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.constantFrom(0, 5, 2 ** 31, 2 ** 32 - 1));
  fc.assert(
    fc.property(fc.array(number, { maxLength: 2000 }), (numbers) => {
      const places = numbers.map((_, i) => i).sort((a, b) => (numbers[a] ?? 0) - (numbers[b] ?? 0));
      expect([...sortedPlaces(Uint32Array.from(numbers))]).toEqual(places);
    }),
  );
});
