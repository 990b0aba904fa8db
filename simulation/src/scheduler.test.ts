import { expect, test } from "vitest";
import { makeOwner, makeScheduler } from "./scheduler.ts";

function recording() {
  const happened: string[] = [];
  const faults: unknown[] = [];
  const scheduler = makeScheduler(0, (_owner, error) => void faults.push(error));
  const later = (us: number, name: string, owner = makeOwner("anyone")) =>
    scheduler.after(us, owner, () => void happened.push(`${scheduler.now()} ${name}`));
  const runAll = async () => {
    while (await scheduler.step());
    return happened;
  };
  return { scheduler, later, runAll, faults };
}

test("tasks run in the order of time, and at one time in the order they were set", async () => {
  const { later, runAll } = recording();
  for (const [us, name] of [
    [5, "c"],
    [1, "a"],
    [5, "d"],
    [3, "b"],
  ] as const)
    later(us, name);
  expect(await runAll()).toEqual(["1 a", "3 b", "5 c", "5 d"]);
});

test("a task's immediate consequences run before the next task", async () => {
  const { scheduler, later, runAll } = recording();
  const order: string[] = [];
  scheduler.after(1, null, async () => {
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    order.push("end of the first");
  });
  scheduler.after(1, null, () => void order.push("the second"));
  later(2, "third");
  await runAll();
  expect(order).toEqual(["end of the first", "the second"]);
});

test("a dead process does nothing more, a paused one does it later", async () => {
  const { scheduler, later, runAll } = recording();
  const [dead, paused] = [makeOwner("dead"), makeOwner("paused")];
  later(1, "of the dead", dead);
  later(1, "of the paused", paused);
  scheduler.kill(dead);
  scheduler.pause(paused);
  scheduler.after(9, null, () => scheduler.resume(paused));
  expect(await runAll()).toEqual(["9 of the paused"]);
});

test("a cancelled task does not run", async () => {
  const { later, runAll } = recording();
  later(1, "taken back")();
  later(2, "kept");
  expect(await runAll()).toEqual(["2 kept"]);
});

test("the world pauses during real work, and runs on while that work waits", async () => {
  const { scheduler, later, runAll } = recording();
  scheduler.after(1, null, async () => {
    await scheduler.settled(new Promise((resolve) => setImmediate(() => setImmediate(resolve))));
    later(0, "after real work");
    await scheduler.settled(
      new Promise<void>((resolve) => {
        const goOn = scheduler.pauseWork();
        scheduler.after(5, null, () => {
          goOn();
          resolve();
        });
      }),
    );
    later(0, "after a wait");
  });
  later(2, "meanwhile");
  expect(await runAll()).toEqual(["1 after real work", "2 meanwhile", "6 after a wait"]);
});

test("an error that a task throws or rejects with is reported, not lost", async () => {
  const { scheduler, runAll, faults } = recording();
  scheduler.after(1, null, () => {
    throw new Error("thrown");
  });
  scheduler.after(2, null, async () => {
    throw new Error("rejected");
  });
  await runAll();
  expect(faults.map(String)).toEqual(["Error: thrown", "Error: rejected"]);
});
