import { join } from "node:path";
import { expect, test } from "vitest";
import { partNames, readOptions } from "./options.ts";

test("without arguments everything is measured at the standard scale, without a soak", () => {
  const options = readOptions([]);
  expect(options?.scale.kind).toBe("standard");
  expect([...(options?.parts ?? [])]).toEqual([...partNames]);
  expect(options?.soak).toBeUndefined();
});

test("--quick and --only choose the scale and the parts", () => {
  const options = readOptions(["--quick", "--only", "bulk,history"]);
  expect(options?.scale.kind).toBe("quick");
  expect([...(options?.parts ?? [])]).toEqual(["bulk", "history"]);
});

test("--full uses the sizes of the targets", () => {
  expect(readOptions(["--full"])?.scale.kind).toBe("full");
});

test.each([
  [["--soak"], { minutes: 30, rate: null, whole: false }],
  [["--soak", "--quick"], { minutes: 30, rate: null, whole: false }],
  [["--soak", "0.5"], { minutes: 0.5, rate: null, whole: false }],
  [["--soak", "5", "--rate", "2000"], { minutes: 5, rate: 2000, whole: false }],
  [["--rate", "10", "--soak"], { minutes: 30, rate: 10, whole: false }],
  [["--soak", "5", "--only", "whole"], { minutes: 5, rate: null, whole: true }],
])("%j soaks", (args, soak) => {
  expect(readOptions(args)?.soak).toEqual(soak);
});

test.each([
  [["--only", "everything"], "everything"],
  [["--soak", "0"], "above 0"],
  [["--soak", "1", "--rate", "fast"], "fast"],
  [["--soak", "1", "--only", "bulk"], "--only whole"],
  [["--rate", "5"], "--soak"],
  [["--quick", "--full"], "exclude"],
  [["--fast"], "--fast"],
])("%j is refused", (args, words) => {
  expect(() => readOptions(args)).toThrow(words);
});

test("--against names another checkout", () => {
  const root = join(import.meta.dirname, "../..");
  expect(readOptions(["--against", root])?.against).toBe(root);
  expect(() => readOptions(["--against", import.meta.dirname])).toThrow("checkout");
});

test("--help measures nothing", () => {
  expect(readOptions(["--help"])).toBeUndefined();
});
