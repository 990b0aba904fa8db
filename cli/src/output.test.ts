import { expect, test } from "vitest";
import { createOutput } from "./output.ts";

function written(json: boolean, document: unknown): string {
  let text = "";
  createOutput(json, { write: (more) => (text += more) }).result(document, ["one", "two"]);
  return text;
}

test("a document is one line of JSON, in which large numbers are strings", () => {
  expect(written(true, { first: { expected: 9007199254740993n, found: null } })).toBe(
    '{"first":{"expected":"9007199254740993","found":null}}\n',
  );
});

test("otherwise lines are printed", () => {
  expect(written(false, {})).toBe("one\ntwo\n");
});
