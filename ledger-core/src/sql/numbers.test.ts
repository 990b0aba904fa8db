import { expect, test } from "vitest";
import { idBody, makeId } from "../domain/ids.ts";
import { REVISION_MAX, SHARD_MAX } from "../domain/position.ts";
import { idOf, numberOf, numberOfId, positionOf, saltOf } from "./numbers.ts";

const at = 1_764_000_000_123_000;
const positions = [
  { shard: 0, revision: 0 },
  { shard: 0, revision: REVISION_MAX },
  { shard: 1, revision: 0 },
  { shard: SHARD_MAX, revision: REVISION_MAX },
];

test.each(positions)("the number of $shard:$revision, with time and salt, is the id", (position) => {
  const id = makeId("pay", idBody(at, position, 2 ** 30 - 1));
  const number = numberOf(position);
  expect(number).toBeLessThan(2 ** 50);
  expect(positionOf(number)).toEqual(position);
  expect(numberOfId(id)).toBe(number);
  expect(idOf("pay", at, number, saltOf(id))).toBe(id);
});

test("numbers are ordered by shard, then by revision", () => {
  const numbers = positions.map(numberOf);
  expect(numbers.toSorted((a, b) => a - b)).toEqual(numbers);
});
