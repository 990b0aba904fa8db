import { expect, test } from "vitest";
import { type EventId, idBody, makeId } from "../domain/ids.ts";
import { EventFrames } from "./event-frames.ts";

function eventOf(revision: number) {
  const at = 1_800_000_000_000_000 + revision;
  const id: EventId = makeId("evt", idBody(at, { shard: 0, revision }, 1));
  return {
    id,
    at,
    type: "Happened",
    version: 1,
    data: Buffer.from(`{"n":${revision},"text":"${"x".repeat(revision)}"}`),
  };
}

test("an event is read back by its place, even after others were rolled back, as a copy of its bytes", () => {
  const frames = new EventFrames(Buffer.alloc(10));
  for (let n = 0; n < 20; n++) frames.add(eventOf(n));
  expect(frames.at(19)).toEqual(eventOf(19));
  expect(frames.at(0)).toEqual(eventOf(0));
  const kept = frames.at(7);
  const mark = { size: 0, length: 0 };
  frames.truncate(mark);
  expect(() => frames.at(0)).toThrow("there is an event 0 among 0");
  for (let n = 30; n < 33; n++) frames.add(eventOf(n));
  expect([0, 1, 2].map((nth) => frames.at(nth))).toEqual([30, 31, 32].map(eventOf));
  expect(() => frames.at(3)).toThrow("there is an event 3 among 3");
  expect(kept).toEqual(eventOf(7));
});
