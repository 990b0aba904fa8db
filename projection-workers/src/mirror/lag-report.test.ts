import { LedgerError, type Runtime } from "ledger-core";
import { expect, test } from "vitest";
import { reportLag } from "./lag-report.ts";

/** Timers that a test rings. */
function bells() {
  const tasks = new Set<() => void>();
  const runtime: Pick<Runtime, "every"> = {
    every(_ms, task) {
      tasks.add(task);
      return () => tasks.delete(task);
    },
  };
  return { runtime, set: () => tasks.size, ring: () => [...tasks].map((task) => task()) };
}

test("commits what is applied, one round at a time; a failure is told and leaves the next round as it is", async () => {
  const { runtime, set, ring } = bells();
  const commits: [number, number][] = [];
  const told: unknown[] = [];
  let answer = Promise.withResolvers<void>();
  let at = 7;
  const stop = reportLag({
    mirror: {
      async commit(shard, revision) {
        commits.push([shard, revision]);
        if (shard === 0) await answer.promise;
      },
    },
    shards: [0, 1],
    applied: (shard) => at + shard,
    logger: { debug: (about) => told.push(about) },
    runtime,
  });
  ring();
  ring();
  expect(commits).toEqual([[0, 7]]);
  answer.reject(new LedgerError("broker_unavailable", "away"));
  await expect
    .poll(() => commits)
    .toEqual([
      [0, 7],
      [1, 8],
    ]);
  expect(told).toMatchObject([{ shard: 0, err: { code: "broker_unavailable" } }]);
  answer = Promise.withResolvers();
  answer.resolve();
  at = 9;
  const again = () => {
    ring();
    return commits;
  };
  await expect.poll(again).toContainEqual([1, 10]);
  stop();
  expect(set()).toBe(0);
});
