import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import { randomFrom } from "../random.ts";
import { damagePage } from "./state-damage.ts";

test("a state file can be damaged repeatedly, even after it lost its last page", () => {
  const db = new DatabaseSync(":memory:");
  onTestFinished(() => db.close());
  db.exec("CREATE TABLE pages (place INTEGER PRIMARY KEY, data BLOB); INSERT INTO pages VALUES (0, zeroblob(64))");
  const random = randomFrom("1");
  const told = Array.from({ length: 100 }, () => damagePage(db, random, undefined));
  expect(told).toContain("page 0 is lost");
  expect(told.at(-1)).toBe("no page is left to damage");
});
