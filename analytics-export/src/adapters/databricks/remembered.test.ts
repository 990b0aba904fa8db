import type { GoldQuery } from "ledger-core";
import { expect, test } from "vitest";
import { remembering } from "./remembered.ts";

const trained = (text: string): GoldQuery => ({ table: "recommendations", key: { text }, order: "asc", limit: 9 });

function counted(fails = () => false) {
  const asked: string[] = [];
  const read = async ({ table, key }: GoldQuery) => {
    asked.push("text" in key ? key.text : table);
    if (fails()) throw new Error("away");
    return [{ rank: BigInt(asked.length) }];
  };
  return { asked, read };
}

test("trained recommendations are asked for once in a while, by each query", async () => {
  const { asked, read } = counted();
  let nowMs = 0;
  const rows = remembering(read, () => nowMs, { rememberMs: 100 });
  expect(await rows(trained("a"))).toEqual([{ rank: 1n }]);
  nowMs = 99;
  expect(await rows(trained("a"))).toEqual([{ rank: 1n }]);
  expect(await rows(trained("b"))).toEqual([{ rank: 2n }]);
  expect(await rows({ ...trained("a"), limit: 1 })).toEqual([{ rank: 3n }]);
  nowMs = 100;
  expect(await rows(trained("a"))).toEqual([{ rank: 4n }]);
  expect(asked).toEqual(["a", "b", "a", "a"]);
});

test("reports are asked for each time", async () => {
  const { asked, read } = counted();
  const rows = remembering(read, () => 0);
  const query = { ...trained("a"), table: "report_positions" } as const;
  await rows(query);
  await rows(query);
  expect(asked).toHaveLength(2);
});

test("a failure is not kept, and those who waited for one query share its answer", async () => {
  let away = true;
  const { asked, read } = counted(() => away);
  const rows = remembering(read, () => 0);
  const both = await Promise.allSettled([rows(trained("a")), rows(trained("a"))]);
  expect(both.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  away = false;
  expect(await rows(trained("a"))).toEqual([{ rank: 2n }]);
  expect(asked).toEqual(["a", "a"]);
});

test("the oldest give way", async () => {
  const { asked, read } = counted();
  const rows = remembering(read, () => 0, { rememberMax: 2 });
  for (const text of ["a", "b", "c", "c", "b", "a"]) await rows(trained(text));
  expect(asked).toEqual(["a", "b", "c", "a"]);
});
