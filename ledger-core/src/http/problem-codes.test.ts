import { readFileSync } from "node:fs";
import { STATUS_CODES } from "node:http";
import { expect, test } from "vitest";
import { rejections } from "../domain/rejections.ts";
import { problemKind, problemKinds } from "./problem-codes.ts";

test("docs/problems.md and the code have the same codes, statuses and texts", () => {
  const page = readFileSync(new URL("../../../docs/problems.md", import.meta.url), "utf8");
  const documented = page.split("\n").filter((line) => line.startsWith("| `"));
  const known = [...problemKinds].map(
    ([code, { status, title, meaning }]) => `| \`${code}\` | ${status} | ${title} | ${meaning} |`,
  );
  expect(documented).toEqual(known);
});

test("every refusal of the domain has its status by its kind", () => {
  const statuses = { absent: 404, conflict: 409, unprocessable: 422 };
  for (const [code, { kind, title }] of Object.entries(rejections))
    expect(problemKind(code)).toMatchObject({ status: statuses[kind], title });
});

test("codes are snake_case, and statuses are errors that HTTP knows", () => {
  for (const [code, { status }] of problemKinds) {
    expect(code).toMatch(/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(STATUS_CODES[status]).toBeDefined();
  }
});

test("an unknown code is a bug", () => {
  expect(() => problemKind("nope")).toThrow("unknown problem code nope");
});
