import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { openPages, pagesSchema } from "./pages.ts";

const PER_CHUNK = 4;
const bytes = (text: string) => new TextEncoder().encode(text);

function written() {
  const db = new DatabaseSync(":memory:");
  db.exec(pagesSchema);
  const pages = openPages(db, PER_CHUNK);
  // Two whole chunks have no page before the first payment.
  pages.write("payments", 9, bytes("nine"));
  pages.write("payments", 14, bytes("fourteen"));
  const roots: ReturnType<typeof pages.writeDirectory> = JSON.parse(JSON.stringify(pages.writeDirectory()));
  pages.committed();
  return { db, roots };
}

test("pages that begin far behind the first place are found again from the root", () => {
  const { db, roots } = written();
  const pages = openPages(db, PER_CHUNK);
  pages.load(roots);
  expect(pages.count("payments")).toBe(15);
  expect([0, 8, 9, 10, 14].map((page) => pages.has("payments", page))).toEqual([false, false, true, false, true]);
  expect(pages.read("payments", 9)).toEqual(bytes("nine"));
  pages.write("payments", 1, bytes("one"));
  const next = openPages(db, PER_CHUNK);
  next.load(pages.writeDirectory());
  expect(next.read("payments", 1)).toEqual(bytes("one"));
});

test("a page that is missing, altered or another's is corruption", () => {
  for (const damage of [
    "DELETE FROM pages WHERE data = CAST('nine' AS BLOB)",
    "UPDATE pages SET data = CAST('Nine' AS BLOB) WHERE data = CAST('nine' AS BLOB)",
    "UPDATE pages SET data = CAST('fourteen' AS BLOB) WHERE data = CAST('nine' AS BLOB)",
  ]) {
    const { db, roots } = written();
    db.exec(damage);
    const pages = openPages(db, PER_CHUNK);
    pages.load(roots);
    expect(() => pages.read("payments", 9), damage).toThrow(expect.objectContaining({ code: "state_corrupt" }));
    expect(pages.read("payments", 14)).toEqual(bytes("fourteen"));
  }
});
