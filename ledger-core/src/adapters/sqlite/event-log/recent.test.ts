import { expect, test } from "vitest";
import type { Revision } from "../../../domain/position.ts";
import { encodeFrames } from "../../../ports/frame-bytes.ts";
import { makeEvents, range } from "../../../testing/event-log-events.ts";
import { type Batch, decodeBatch, sealFrames } from "../../frames.ts";
import { keepRecent } from "./recent.ts";

const FRAME_BYTES = 31 + "PaymentCharged".length + 40;

function batch(first: Revision, count: number): Batch {
  return sealFrames(0, first, encodeFrames(makeEvents(first, count, { size: 40 })));
}

function revisionsOf(loaded: Batch | undefined): number[] | undefined {
  return loaded && [...decodeBatch({ ...loaded, checked: false }, 100)].flat().map(({ revision }) => revision);
}

test("appends are had from any revision on, up to any, and need no further check", () => {
  const recent = keepRecent(2 ** 20);
  for (const [first, count] of [
    [5, 3],
    [8, 1],
    [9, 4],
  ] as const)
    recent.add(batch(first, count));
  for (const from of range(5, 12))
    for (const to of range(from, 12)) expect(revisionsOf(recent.load(0, from, to)), `${from}`).toEqual(range(from, to));
  expect(recent.load(0, 6, 12)).toMatchObject({ first: 6, count: 7, checked: true });
  expect(recent.load(0, 4, 12)).toBeUndefined();
  expect(recent.load(0, 13, 13)).toBeUndefined();
  expect(recent.load(1, 5, 12)).toBeUndefined();
});

test("whoever is given bytes may transfer them", () => {
  const recent = keepRecent(2 ** 20);
  recent.add(batch(0, 3));
  const buffers = [recent.load(0, 0, 2), recent.load(0, 0, 2)].map((loaded) => loaded?.frames.buffer);
  expect(buffers[0]?.byteLength).toBe(3 * FRAME_BYTES);
  expect(buffers[0]).not.toBe(buffers[1]);
});

test("the oldest go once there are too many bytes", () => {
  const recent = keepRecent(100 * FRAME_BYTES);
  for (const revision of range(0, 999)) {
    recent.add(batch(revision, 1));
    expect(revisionsOf(recent.load(0, Math.max(0, revision - 74), revision))).toHaveLength(Math.min(revision + 1, 75));
    expect(recent.load(0, revision - 100, revision)).toBeUndefined();
  }
});

test.each([0, 10])("an append that is larger than %i bytes is not kept", (bytesMax) => {
  const recent = keepRecent(bytesMax);
  recent.add(batch(0, 2));
  recent.add(batch(2, 1));
  expect(recent.load(0, 0, 2)).toBeUndefined();
  expect(recent.load(0, 2, 2)).toBeUndefined();
});

test.each([3, 9])("an append at %i, where none was expected, is the first one that is kept", (first) => {
  const recent = keepRecent(2 ** 20);
  recent.add(batch(0, 5));
  recent.add(batch(first, 2));
  expect(recent.load(0, 0, 4)).toBeUndefined();
  expect(revisionsOf(recent.load(0, first, first + 1))).toEqual([first, first + 1]);
});
