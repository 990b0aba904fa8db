import { describe, expect, test } from "vitest";
import { type CursorScope, openCursor, sealCursor } from "./cursors.ts";

const key = new Uint8Array(32).fill(1);
const scope: CursorScope = {
  path: "/v1/payments",
  filters: { status: "captured", from: "2026-11-22T00:00:00Z" },
  order: "desc",
  tenant: "tenant-a",
  sub: "alice",
};
const cursor = sealCursor(key, scope, "pay_1 0:77");

test("a cursor opens for the query that it was made for, however its filters are ordered", () => {
  const filters = { from: "2026-11-22T00:00:00Z", status: "captured" };
  expect(openCursor(key, { ...scope, filters }, cursor)).toBe("pay_1 0:77");
});

describe("with anything else it does not open", () => {
  const others: Record<string, Partial<CursorScope>> = {
    path: { path: "/v1/accounts" },
    "a filter's value": { filters: { ...scope.filters, status: "refunded" } },
    "a filter less": { filters: { status: "captured" } },
    "a filter more": { filters: { ...scope.filters, to: "2026-11-23T00:00:00Z" } },
    order: { order: "asc" },
    tenant: { tenant: "tenant-b" },
    subject: { sub: "bob" },
    "tenant and subject cut elsewhere": { tenant: "tenant-aalic", sub: "e" },
  };
  test.each(Object.entries(others))("%s", (_name, other) => {
    expect(openCursor(key, { ...scope, ...other }, cursor)).toBeUndefined();
  });

  test("key", () => {
    expect(openCursor(new Uint8Array(32).fill(2), scope, cursor)).toBeUndefined();
  });
});

test("no change of one character opens, nor padding, nor a cut, nor nothing", () => {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  for (let at = 0; at < cursor.length; at++)
    for (const char of alphabet) {
      if (char === cursor[at]) continue;
      const changed = cursor.slice(0, at) + char + cursor.slice(at + 1);
      expect(openCursor(key, scope, changed), changed).toBeUndefined();
    }
  const others = [
    "",
    "A",
    `${cursor}=`,
    `${cursor}A`,
    cursor.slice(0, -1),
    cursor.slice(1),
    ` ${cursor}`,
    `${cursor}\n`,
  ];
  for (const other of others) expect(openCursor(key, scope, other), other).toBeUndefined();
});
