import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Lake } from "../ports/lake.ts";

export type LakeUnderTest = { readonly lake: Lake; reopen(): Lake; dispose(): Promise<void> };

const bytes = (text: string) => new TextEncoder().encode(text);
async function* pieces(...texts: readonly string[]) {
  for (const piece of texts) yield bytes(piece);
}
const text = (found: Uint8Array | undefined) => found && new TextDecoder().decode(found);

/** The contract of a lake; every adapter passes it. */
export function lakeSuite(name: string, open: () => Promise<LakeUnderTest>): void {
  describe(`lake, ${name}`, () => {
    let current: LakeUnderTest;
    beforeEach(async () => {
      current = await open();
    });
    afterEach(() => current.dispose());

    test("a file is created once, whole, and is there after a restart", async () => {
      const { lake, reopen } = current;
      expect(await lake.create("a/b/1.json", bytes("first"))).toBe(true);
      expect(await lake.create("a/b/1.json", bytes("second"))).toBe(false);
      expect(text(await reopen().read("a/b/1.json"))).toBe("first");
    });

    test("of many who create one path at once, one succeeds, and its bytes are there", async () => {
      const { lake } = current;
      const created = await Promise.all(
        Array.from({ length: 20 }, (_, n) => lake.create("log/7.json", bytes(`writer ${n}`))),
      );
      expect(created.filter(Boolean)).toHaveLength(1);
      expect(text(await lake.read("log/7.json"))).toBe(`writer ${created.indexOf(true)}`);
    });

    test("a file is created from pieces, once, whole, by one of many", async () => {
      const { lake, reopen } = current;
      expect(await lake.create("a/pieces", pieces("one ", "", "two ", "three"))).toBe(true);
      expect(await lake.create("a/pieces", pieces("other"))).toBe(false);
      expect(text(await reopen().read("a/pieces"))).toBe("one two three");
      expect(await lake.create("a/nothing", pieces())).toBe(true);
      expect(await lake.read("a/nothing")).toHaveLength(0);
      const contents = Array.from({ length: 20 }, (_, n) => `writer ${n}`);
      const created = await Promise.all(
        contents.map((content, n) => lake.create("a/8", n % 2 === 0 ? bytes(content) : pieces(...content))),
      );
      expect(created.filter(Boolean)).toHaveLength(1);
      expect(text(await lake.read("a/8"))).toBe(contents[created.indexOf(true)]);
    });

    test("pieces that end with an error leave no file", async () => {
      const { lake } = current;
      async function* broken() {
        yield bytes("one");
        throw new Error("planted");
      }
      await expect(lake.create("a/broken", broken())).rejects.toThrow("planted");
      expect(await lake.read("a/broken")).toBeUndefined();
      const found = [];
      for await (const { path } of lake.files("a")) found.push(path);
      expect(found).toEqual([]);
    });

    test("a part of a file is read, as far as the file goes", async () => {
      const { lake } = current;
      await lake.create("part", bytes("0123456789"));
      expect(text(await lake.readPart("part", 0, 4))).toBe("0123");
      expect(text(await lake.readPart("part", 4, 10))).toBe("456789");
      expect(text(await lake.readPart("part", 8, 100))).toBe("89");
      expect(text(await lake.readPart("part", 10, 20))).toBe("");
      expect(await lake.readPart("absent", 0, 4)).toBeUndefined();
    });

    test("a file that is not there reads as undefined, an empty one as empty", async () => {
      const { lake } = current;
      expect(await lake.read("nothing")).toBeUndefined();
      await lake.create("empty", new Uint8Array());
      expect(await lake.read("empty")).toHaveLength(0);
    });

    test("names come in the order of their bytes, after the one given", async () => {
      const { lake } = current;
      for (const name of ["b", "a", "C", "é", "d"]) await lake.create(`folder/${name}`, bytes(name));
      expect(await lake.names("folder", "")).toEqual(["C", "a", "b", "d", "é"]);
      expect(await lake.names("folder", "a")).toEqual(["b", "d", "é"]);
      expect(await lake.names("absent", "")).toEqual([]);
    });

    test("all files under a folder are found, with their sizes", async () => {
      const { lake } = current;
      await lake.create("t/x=1/one", bytes("1"));
      await lake.create("t/x=2/two", bytes("22"));
      await lake.create("other", bytes("no"));
      const found = [];
      for await (const { path, size } of lake.files("t")) found.push({ path, size });
      expect(found.sort((a, b) => a.size - b.size)).toEqual([
        { path: "t/x=1/one", size: 1 },
        { path: "t/x=2/two", size: 2 },
      ]);
      const absent = [];
      for await (const file of lake.files("absent")) absent.push(file);
      expect(absent).toEqual([]);
    });

    test("a removed file is gone, and its path is free", async () => {
      const { lake } = current;
      await lake.create("x/1", bytes("first"));
      await lake.remove("x/1");
      await lake.remove("x/1");
      expect(await lake.read("x/1")).toBeUndefined();
      expect(await lake.create("x/1", bytes("second"))).toBe(true);
    });
  });
}
