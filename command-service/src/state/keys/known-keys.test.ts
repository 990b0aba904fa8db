import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { diskError, flush, inMemory, keyStore, memoryFiles, revisionsOf, small } from "./keys.fixture.ts";
import { unknownPlace } from "./known-keys.ts";

/** A store with this many keys, flushed in this many tails: key n at revision n. */
async function filled(keys: number, flushes: number, options = small) {
  const files = memoryFiles();
  const store = keyStore(inMemory(files), null, options);
  let manifest = "";
  for (let n = 0; n < keys; n++) {
    store.add("t", "s", `key-${n}`, n);
    if ((n + 1) % Math.ceil(keys / flushes) === 0) manifest = await flush(store);
  }
  return { files, store, manifest };
}

describe("keys on disk", () => {
  test("are found through many merges and after a reopening; new ones are not", async () => {
    const { files, store, manifest } = await filled(6000, 60);
    const again = keyStore(inMemory(files), manifest);
    await again.onDisk.settled();
    for (const opened of [store, again]) {
      expect(opened.onDisk.count).toBe(6000);
      expect(opened.onDisk.runCount).toBeLessThan(12);
      for (let n = 0; n < 6000; n += 7) expect(await revisionsOf(opened, `key-${n}`)).toEqual([n]);
      for (let n = 6000; n < 7000; n++) expect(await revisionsOf(opened, `key-${n}`)).toEqual([]);
    }
  });

  test("are distinguished from new ones without a read, except for those that the filters let through", async () => {
    const { store } = await filled(20_000, 40, { ...small, layers: 4, partKeys: 2000 });
    let reads = 0;
    for (let n = 0; n < 10_000; n++) if (store.seek(unknownPlace(), "t", "s", `new-${n}`)) reads++;
    expect(reads).toBeLessThan(100);
    for (let n = 0; n < 20_000; n += 11) expect(store.seek(unknownPlace(), "t", "s", `key-${n}`)).toBe(true);
  });

  test("whatever memory filters may take, no key is missed, and they take no more", async () => {
    for (const filterBytes of [0, 640, 4096, 2 ** 20]) {
      const { files, store, manifest } = await filled(3000, 20, { ...small, filterBytes });
      const again = keyStore(inMemory(files), manifest, { ...small, filterBytes });
      await again.onDisk.settled();
      for (const opened of [store, again]) {
        expect(opened.onDisk.filterBytes).toBeLessThanOrEqual(filterBytes);
        for (let n = 0; n < 3000; n += 13) expect(await revisionsOf(opened, `key-${n}`)).toEqual([n]);
      }
    }
  });

  test("are found at once after an opening, before any filter is read", async () => {
    const { files, manifest } = await filled(2000, 10);
    const again = keyStore(inMemory(files), manifest);
    const found = await Promise.all([0, 999, 1999].map((n) => revisionsOf(again, `key-${n}`)));
    expect(found).toEqual([[0], [999], [1999]]);
  });
});

test("the number of an unnamed file that cannot be removed yet is not reused", async () => {
  const { files, manifest } = await filled(20, 1);
  const { next }: { next: number } = JSON.parse(manifest);
  for (const file of [next, next + 1]) files.write(file, new Uint8Array(10));
  files.fail = (what) => {
    if (what === "remove") throw diskError("EIO");
  };
  const store = keyStore(inMemory(files), manifest);
  await store.onDisk.settled();
  store.add("t", "s", "key-20", 20);
  files.fail = () => {};
  await flush(store);
  store.add("t", "s", "key-21", 21);
  await flush(store);
  for (const n of [0, 20, 21]) expect(await revisionsOf(store, `key-${n}`)).toEqual([n]);
  expect(files.kept.has(next)).toBe(false);
});

describe("like a map, whatever happens", () => {
  const step = fc.oneof(
    {
      weight: 20,
      arbitrary: fc.record({ do: fc.constant("add" as const), key: fc.nat(60), copies: fc.constantFrom(1, 1, 40) }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constant("flush" as const) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("crash" as const) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("full" as const), writes: fc.nat(3) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("crash in a flush" as const), writes: fc.nat(3) }) },
  );
  const shape = fc.record({
    entriesPerBlock: fc.constantFrom(1, 2, 7),
    layers: fc.constantFrom(1, 2, 8),
    partKeys: fc.constantFrom(1, 10, 1000),
    filterBytes: fc.constantFrom(0, 200, 100_000),
    mergeWidth: fc.constantFrom(2, 3, 4),
    lastRatio: fc.constantFrom(1, 4),
    stepsPerCommit: fc.constantFrom(1, 2, 50),
    runsMax: fc.constantFrom(2, 30),
  });

  test("keys are found at the revisions that they were added at", async () => {
    await fc.assert(
      fc.asyncProperty(shape, fc.array(step, { maxLength: 60 }), async (options, steps) => {
        let files = memoryFiles();
        let store = keyStore(inMemory(files), null, options);
        let [manifest, committed]: [string | null, Map<string, number[]>] = [null, new Map()];
        let model = new Map<string, number[]>();
        let revision = 2 ** 32 - 100;
        const reopen = () => {
          // Work begun by a dying process never finishes: its files stay as they are.
          files.fail = () => {
            throw diskError("EIO");
          };
          files = memoryFiles(new Map(files.kept));
          store = keyStore(inMemory(files), manifest, options);
          model = structuredClone(committed);
        };
        const limit = (writes: number) => {
          let left = writes;
          files.fail = (what) => {
            if (what === "write" && left-- <= 0) throw diskError("ENOSPC");
          };
        };
        for (const taken of steps) {
          if (taken.do === "add") {
            for (let copy = 0; copy < taken.copies; copy++) {
              store.add("t", "s", `${taken.key}`, ++revision);
              model.set(`${taken.key}`, [...(model.get(`${taken.key}`) ?? []), revision]);
            }
          } else if (taken.do === "crash") reopen();
          else {
            if (taken.do !== "flush") limit(taken.writes);
            const written = await store.write().then(
              () => true,
              () => false,
            );
            if (taken.do === "crash in a flush") reopen();
            else if (written) {
              [manifest, committed] = [store.record(), structuredClone(model)];
              store.settle();
            } else store.takeBack();
            files.fail = () => {};
          }
          for (const key of ["0", "1", "7", "60", "61"]) {
            expect(await revisionsOf(store, key)).toEqual(model.get(key) ?? []);
          }
        }
        for (let key = 0; key <= 61; key++)
          expect(await revisionsOf(store, `${key}`)).toEqual(model.get(`${key}`) ?? []);
      }),
      { numRuns: 150 },
    );
  });
});

test("leftovers of a crash are removed, and files replaced by merges", async () => {
  const { files, store, manifest } = await filled(3000, 30);
  const before = files.kept.size;
  for (let n = 3000; n < 3500; n++) store.add("t", "s", `key-${n}`, n);
  await store.write();
  expect(files.kept.size).toBeGreaterThan(before);
  const left = memoryFiles(new Map(files.kept));
  const again = keyStore(inMemory(left), manifest);
  await again.onDisk.settled();
  const named = JSON.parse(manifest).runs.flatMap(({ parts }: { parts: unknown[] }) =>
    parts.filter((part) => part !== null),
  );
  expect(left.kept.size).toBe(named.length);
  await flush(again);
  await flush(again);
  const bytes = [...left.kept.values()].reduce((sum, { length }) => sum + length, 0);
  expect(bytes / 3000).toBeLessThan(60);
});

describe("damage is noticed, and never decided on", () => {
  test("of any byte of any file: an error or the right answer, for known keys and for new ones", async () => {
    const { files, manifest } = await filled(1000, 10, { ...small, entriesPerBlock: 20 });
    let noticed = 0;
    let flips = 0;
    for (const [file, sound] of files.kept) {
      for (let at = flips % 3; at < sound.length; at += 37) {
        flips++;
        const damaged = memoryFiles(new Map(files.kept));
        const bytes = sound.slice();
        bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
        damaged.kept.set(file, bytes);
        const store = keyStore(inMemory(damaged), manifest, { ...small, entriesPerBlock: 20 });
        await store.onDisk.settled();
        if (store.onDisk.fault) noticed++;
        for (let n = flips % 29; n < 1100; n += 29) {
          const answer = await revisionsOf(store, `key-${n}`).catch((error: unknown) => error);
          if (Array.isArray(answer)) expect(answer).toEqual(n < 1000 ? [n] : []);
          else expect(answer).toMatchObject({ code: "state_corrupt" });
        }
      }
    }
    expect(flips).toBeGreaterThan(300);
    expect(noticed).toBeGreaterThan(flips / 10);
  });

  test("blocks and files in each other's place, cut and lost files", async () => {
    const { files, manifest } = await filled(1000, 10);
    const [one, other] = [...files.kept.keys()];
    if (one === undefined || other === undefined) throw new Error("two files");
    const bytes = (file: number) => files.kept.get(file) ?? new Uint8Array();
    const swappedBlocks = bytes(one).slice();
    swappedBlocks.set(bytes(one).subarray(0, 96), 96);
    const attacks: [number, Uint8Array | undefined][] = [
      [one, undefined],
      [one, bytes(one).slice(0, -1)],
      [one, bytes(other).slice(0, bytes(one).length)],
      [one, swappedBlocks],
      [one, new Uint8Array(bytes(one).length)],
    ];
    for (const [file, attack] of attacks) {
      const damaged = memoryFiles(new Map(files.kept));
      if (attack) damaged.kept.set(file, attack);
      else damaged.kept.delete(file);
      const answers = new Set<unknown>();
      try {
        const store = keyStore(inMemory(damaged), manifest);
        await store.onDisk.settled();
        for (let n = 0; n < 1000; n++) {
          const found = await revisionsOf(store, `key-${n}`).catch((error: { code: string }) => error.code);
          if (typeof found !== "string") expect(found).toEqual([n]);
          else answers.add(found);
        }
      } catch (error) {
        expect(error).toMatchObject({ code: "state_corrupt" });
        answers.add("state_corrupt");
      }
      expect([...answers]).toEqual(["state_corrupt"]);
    }
  });

  test("a list of files that cannot be read", () => {
    for (const manifest of ["", "{}", '{"next":-1,"runs":[]}', '{"next":1,"runs":[{}]}']) {
      expect(() => keyStore(inMemory(memoryFiles()), manifest)).toThrow(
        expect.objectContaining({ code: "state_corrupt" }),
      );
    }
  });

  test("a read error of the disk is not damage, and is transient", async () => {
    const { files, manifest } = await filled(1000, 10, { ...small, filterBytes: 0 });
    const store = keyStore(inMemory(files), manifest, { ...small, filterBytes: 0 });
    await store.onDisk.settled();
    files.fail = () => {
      throw diskError("EIO");
    };
    await expect(revisionsOf(store, "key-1")).rejects.toMatchObject({ code: "state_unavailable" });
    files.fail = () => {};
    expect(await revisionsOf(store, "key-1")).toEqual([1]);
  });
});
