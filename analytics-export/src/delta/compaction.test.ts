import { seeded } from "ledger-core/testing";
import { describe, expect, test } from "vitest";
import { type Add, CHECKSUM } from "./actions.ts";
import { mergeable } from "./compaction.ts";

const tuning = { targetBytes: 64_000, filesMin: 4 };

function file(from: number, size: number, { shard = 0, day = "2026-11-27", own = true } = {}): Add {
  const minValues = { shard, revision: from };
  return {
    ...{ path: `${day}/${shard}/${from}`, partitionValues: { booked_date: day }, size, modificationTime: 0 },
    ...{ dataChange: true, stats: JSON.stringify({ numRecords: 1, minValues, maxValues: minValues }) },
    ...(own && { tags: { [CHECKSUM]: "x" } }),
  };
}

const paths = (groups: readonly (readonly Add[])[]) => groups.map((group) => group.map(({ path }) => path));

describe("files that are merged", () => {
  test("are of one day and one shard, in the order of revisions", () => {
    const adds = [3, 1, 0, 2].flatMap((from) => [
      file(from, 10),
      file(from, 10, { shard: 1 }),
      file(from, 10, { day: "2026-11-28" }),
    ]);
    const expected = ["2026-11-27/0", "2026-11-27/1", "2026-11-28/0"].map((run) =>
      [0, 1, 2, 3].map((n) => `${run}/${n}`),
    );
    expect(paths(mergeable(adds, tuning)).sort()).toEqual(expected);
  });

  test("are enough, ours, and small", () => {
    const few = [0, 1, 2].map((from) => file(from, 10));
    const theirs = [0, 1, 2, 3].map((from) => file(from, 10, { own: false }));
    const large = [0, 1, 2, 3].map((from) => file(from, tuning.targetBytes));
    for (const adds of [few, theirs, large]) expect(mergeable(adds, tuning)).toEqual([]);
  });

  test("a row is written again a few times, and files stay few, over thousands of commits", () => {
    const random = seeded(5);
    let files: Add[] = [];
    let [next, written, added] = [0, 0, 0];
    for (let commit = 0; commit < 5000; commit++) {
      const size = 100 + random(300);
      files.push(file(next++, size));
      added += size;
      if (commit % 20 > 0) continue;
      for (const group of mergeable(files, tuning)) {
        const merged = group.reduce((sum, { size }) => sum + size, 0);
        expect(merged).toBeLessThanOrEqual(tuning.targetBytes);
        written += merged;
        const gone = new Set(group);
        files = [...files.filter((one) => !gone.has(one)), file(Number(group[0]?.path.split("/")[2]), merged)];
      }
    }
    expect(written / added).toBeLessThan(9);
    expect(files.length).toBeLessThan((added / tuning.targetBytes) * 2 + 40);
  });
});
