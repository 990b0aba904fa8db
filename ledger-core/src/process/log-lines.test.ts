import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openLogLines } from "./log-lines.ts";

const dir = mkdtempSync(join(tmpdir(), "payledger-lines-"));
const file = join(dir, "log");
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test("lines are written in order, those of one turn at once, and what does not fit is lost", async () => {
  const fd = openSync(file, "w");
  const lines = openLogLines(fd, 10);
  for (const line of ["one\n", "two\n", "three\n", "4\n"]) lines.write(line);
  await expect.poll(() => readFileSync(file, "utf8")).toBe("one\ntwo\n4\n");
  lines.write("five\n");
  await expect.poll(() => readFileSync(file, "utf8")).toBe("one\ntwo\n4\nfive\n");
  closeSync(fd);
});
