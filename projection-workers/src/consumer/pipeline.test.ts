import { LedgerError, NO_REVISION, type Projection, type ProjectionTarget, type Revision } from "ledger-core";
import { randomHistory } from "ledger-core/testing";
import { expect, onTestFinished, test, vi } from "vitest";
import { memoryTarget } from "../testing/memory-target.ts";
import { stored } from "../testing/stores.ts";
import { createPipeline } from "./pipeline.ts";

const patient = { timeout: 30_000, interval: 1 };
const events = stored(randomHistory(7, 60));
const all = events.map(({ revision }) => revision);
const revisions: Projection<Revision> = { name: "revisions", project: ({ revision }) => [revision] };

/** A target whose transactions end one by one, as the test says. */
function gatedTarget(refuses?: (change: Revision) => boolean) {
  const whole = memoryTarget<Revision>(refuses);
  const said: string[] = [];
  const gates: PromiseWithResolvers<void>[] = [];
  const target: ProjectionTarget<Revision> = {
    ...whole,
    prepare: (changes) => void said.push(`prepared ${changes.length}`),
    async apply(shard, after, upTo, changes) {
      said.push(`begun ${upTo}`);
      const gate = Promise.withResolvers<void>();
      gates.push(gate);
      await gate.promise;
      await whole.apply(shard, after, upTo, changes);
      said.push(`applied ${upTo}`);
    },
  };
  return { target, said, whole, gate: (n: number) => vi.waitUntil(() => gates[n], patient) };
}

function pipelineOf(target: ProjectionTarget<Revision>, batchMax = 10) {
  const onApplied = vi.fn();
  const application = { shard: 0, projection: revisions, target, batchMax: () => batchMax, onApplied };
  return { pipeline: createPipeline(application, NO_REVISION), onApplied };
}

/** Waits for a promise that a test does not await so far. */
function watched(work: Promise<void>) {
  const state = { settled: false };
  const done = () => {
    state.settled = true;
  };
  work.then(done, done);
  onTestFinished(() => work.catch(() => undefined));
  return state;
}

test("while a batch is applied the next one is prepared, and none after it", async () => {
  const { target, said, whole, gate } = gatedTarget();
  const { pipeline, onApplied } = pipelineOf(target);
  const adding = pipeline.add(events.slice(0, 30));
  const added = watched(adding);
  const first = await gate(0);
  await vi.waitUntil(() => said.length === 3, patient);
  expect(said).toEqual(["prepared 10", "begun 9", "prepared 10"]);
  first.resolve();
  const second = await gate(1);
  await vi.waitUntil(() => said.length === 6, patient);
  expect(said.slice(3)).toEqual(["applied 9", "begun 19", "prepared 10"]);
  expect(added.settled).toBe(false);
  second.resolve();
  await adding;
  // The last one is still under way.
  expect(whole.applied).toEqual(all.slice(0, 20));
  (await gate(2)).resolve();
  await pipeline.idle();
  expect(whole.applied).toEqual(all.slice(0, 30));
  expect(onApplied.mock.calls.map(([revision]) => revision)).toEqual([9, 19, 29]);
});

test("what follows a batch that fails is not applied, and whoever waits is told", async () => {
  const { target, whole, gate } = gatedTarget();
  const { pipeline } = pipelineOf(target);
  const fault = new LedgerError("store_unavailable", "cut off", { retryable: true });
  whole.faults.push({ error: fault, applied: "before" });
  await pipeline.add(events.slice(0, 10));
  const next = pipeline.add(events.slice(10, 20));
  watched(next);
  (await gate(0)).resolve();
  await expect(next).rejects.toBe(fault);
  await expect(pipeline.idle()).rejects.toBe(fault);
  await expect(pipeline.add(events.slice(20))).rejects.toBe(fault);
  expect(whole.applied).toEqual([]);
});

test("an event that is not the next is refused after those before it are applied, repeats are dropped", async () => {
  const { target, whole, gate } = gatedTarget();
  const { pipeline } = pipelineOf(target);
  const adding = pipeline.add([...events.slice(0, 5), ...events.slice(2, 8), ...events.slice(9, 14)]);
  watched(adding);
  (await gate(0)).resolve();
  await expect(adding).rejects.toMatchObject({ code: "revision_gap", position: { revision: 8 } });
  expect(whole.applied).toEqual(all.slice(0, 8));
});

test("without a target that prepares, all is applied when `add` resolves", async () => {
  const target = memoryTarget<Revision>();
  const { pipeline } = pipelineOf(target);
  await pipeline.add(events.slice(0, 25));
  expect(target.applied).toEqual(all.slice(0, 25));
  await pipeline.add(events);
  expect(target.applied).toEqual(all);
});
