import { NO_REVISION } from "ledger-core";
import { randomHistory } from "ledger-core/testing";
import { expect, test } from "vitest";
import { chargeRowOnce } from "../../consumer/application.ts";
import { modelRows, stored, testModels } from "../../testing/stores.ts";
import { orderOf } from "./collapse.ts";
import { makeReadModels, modelsTarget } from "./model.ts";
import { type ModelChange, modelsProjection } from "./projection.ts";

const history = randomHistory(5, 600);
const model = makeReadModels(64);

test("undecoded charges give the same rows as decoded ones", async () => {
  const rows = stored(history).map(chargeRowOnce);
  const charges = rows.filter((row) => row !== null);
  expect(charges.length).toBeGreaterThan(30);
  expect(new Set(charges.map(({ reference }) => reference === null)).size).toBe(2);

  const general = history.map((event) => modelsProjection.project(event));
  const fast = history.map((event, n) => {
    const row = rows[n];
    return (row && modelsProjection.projectCharge?.(row)) ?? modelsProjection.project(event);
  });
  expect(await written(fast, 1000)).toEqual(await written(general, 1000));
  expect(await written(fast, 7)).toEqual(await written(general, 90));
});

async function written(changes: readonly (readonly ModelChange[])[], batch: number) {
  const { db, reader } = await testModels();
  const target = modelsTarget(db, model);
  for (let from = 0; from < changes.length; from += batch) {
    const part = changes.slice(from, from + batch);
    await target.apply(0, from === 0 ? NO_REVISION : from - 1, from + part.length - 1, part.flat());
  }
  return modelRows(reader);
}

test.each([
  ["of one shard", [5, 3, 5, 1, 3, 3]],
  ["too far apart for a key that holds a number and its place", [2 ** 50, 3, 2 ** 50, 2 ** 49, 3]],
  ["of none", []],
])("numbers %s are put in order, equal ones as they came", (_name, numbers) => {
  const expected = [...numbers.keys()].sort((a, b) => (numbers[a] ?? 0) - (numbers[b] ?? 0) || a - b);
  expect([...orderOf(Float64Array.from(numbers))]).toEqual(expected);
});
