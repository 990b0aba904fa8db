import { expect, test } from "vitest";
import { randomFrom } from "./random.ts";
import { drawSettings } from "./settings.ts";

const none: ReadonlySet<string> = new Set();
const worlds = Array.from({ length: 200 }, (_, world) => drawSettings(randomFrom(`settings ${world}`), none));
const names = new Set(worlds.flatMap(({ drawn }) => [...drawn.keys()]));

test("every setting takes several values in a few worlds, and production's value in others", () => {
  for (const name of names) {
    const values = new Set(worlds.map(({ drawn }) => drawn.get(name)));
    expect(values.size, name).toBeGreaterThan(2);
    expect(values.has(undefined), name).toBe(true);
  }
});

test("the same seed draws the same settings; leaving one at its default does not change the others", () => {
  const all = drawSettings(randomFrom("again"), none);
  expect(drawSettings(randomFrom("again"), none)).toEqual(all);
  for (const name of all.drawn.keys()) {
    const { drawn } = drawSettings(randomFrom("again"), new Set([name]));
    expect(drawn).toEqual(new Map([...all.drawn].filter(([other]) => other !== name)));
  }
});
