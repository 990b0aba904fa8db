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

test("an older copy of a page, and an older directory, are corruption", () => {
  const { db, roots } = written();
  const before = db.prepare("SELECT place, data FROM pages").all();
  const pages = openPages(db, PER_CHUNK);
  pages.load(roots);
  pages.write("payments", 9, bytes("NINE"));
  const next = pages.writeDirectory();
  pages.committed();
  const restored = db.prepare("UPDATE pages SET data = ? WHERE place = ?");
  let found = 0;
  for (const { place, data } of before) {
    const now = db.prepare("SELECT data FROM pages WHERE place = ?").get(place as number)?.data as Uint8Array;
    restored.run(data as Uint8Array, place as number);
    const again = openPages(db, PER_CHUNK);
    const read = () => {
      again.load(next);
      return again.read("payments", 9);
    };
    if (Buffer.compare(now, data as Uint8Array) === 0) expect(read()).toEqual(bytes("NINE"));
    else {
      expect(read).toThrow(expect.objectContaining({ code: "state_corrupt" }));
      found++;
    }
    restored.run(now, place as number);
  }
  // The page and its chunk of the directory.
  expect(found).toBe(2);
});

test("a transaction's rollback restores the pages, on disk and in the directory", () => {
  const { db, roots } = written();
  const pages = openPages(db, PER_CHUNK);
  pages.load(roots);
  db.exec("BEGIN");
  pages.write("payments", 9, bytes("NINE"), 7);
  pages.write("payments", 40, bytes("forty"), 8);
  pages.writeDirectory();
  db.exec("ROLLBACK");
  pages.rolledBack();
  expect(pages.count("payments")).toBe(15);
  expect(pages.read("payments", 9)).toEqual(bytes("nine"));
  expect(pages.mark("payments", 9)).toBe(0);
  expect(pages.writeDirectory()).toEqual(roots);
});
