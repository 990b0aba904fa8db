import { expect, test } from "vitest";
import { defaultRails, parseRails } from "./rails.ts";

test.each([
  ["fps,card,bank", defaultRails],
  ["sepa-instant", ["sepa-instant"]],
  [" a , b ", ["a", "b"]],
])("%j names rails", (text, rails) => {
  expect(parseRails(text)).toEqual(rails);
});

test.each([
  "",
  ",",
  "a,",
  "a,a",
  "FPS",
  "a b",
  "-a",
  "a-",
  "x".repeat(41),
  Array.from({ length: 51 }, (_, n) => `r${n}`).join(),
])("%j does not", (text) => {
  expect(parseRails(text)).toBeUndefined();
});
