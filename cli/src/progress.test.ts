import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { createProgress } from "./progress.ts";

function collect(isTTY: boolean) {
  let text = "";
  let now = 0;
  const to = Object.assign(
    new Writable({
      write(chunk, _encoding, done) {
        text += String(chunk);
        done();
      },
    }),
    { isTTY },
  );
  const progress = createProgress({ to, clock: () => now });
  return { progress, pass: (ms: number) => (now += ms), text: () => text };
}

test("on a terminal a bar is redrawn in its line, at most ten times a second", () => {
  const { progress, pass, text } = collect(true);
  progress.begin("posting", 4);
  progress.advance(1);
  pass(150);
  progress.advance(1);
  progress.end();
  expect(text().split("\r\x1b[2K").length - 1).toBe(3);
  expect(text()).toContain(" 50 %  2/4");
  expect(text().endsWith("\n")).toBe(true);
});

test("elsewhere there are plain lines, no control characters, and fewer lines than steps", () => {
  const { progress, pass, text } = collect(false);
  progress.begin("posting", 1000);
  for (let step = 0; step < 1000; step++) {
    pass(3);
    progress.advance(1);
  }
  progress.note("the server is away");
  progress.end();
  expect(text().split("\n")).toEqual(["posting: 667 of 1000", "the server is away", "posting: 1000 of 1000", ""]);
});
