import { compileCheck } from "ledger-core/http";
import { expect, test } from "vitest";
import { objectRoute, plainRoute, queryText } from "./parts.ts";

const documented = {
  tag: "Days",
  summary: "A day",
  description: "What was paid on a day",
  query: { day: queryText("A day."), type: queryText("A type.") },
  answer: { type: "object" },
};

test("a route may require a query parameter, and requires none by default", () => {
  for (const route of [objectRoute, plainRoute]) {
    const { querystring: strict } = route({ ...documented, id: "acct_1", required: ["day"] });
    const { querystring: lenient } = route({ ...documented, id: "acct_1" });
    expect(compileCheck(strict)({ type: "payment" })?.faults).toEqual([{ pointer: "/day", detail: "is required" }]);
    expect(compileCheck(strict)({ day: "2026-11-22" })).toBeUndefined();
    expect(compileCheck(lenient)({ type: "payment" })).toBeUndefined();
  }
});
