import { assert, type LedgerEvent, type ProjectionStore } from "ledger-core";
import { connectSqlite } from "ledger-core/sql";
import { openTestLog, randomHistory } from "ledger-core/testing";
import { migrateModels } from "../projections/list.ts";
import { makeReadModels, modelsTarget } from "../projections/models/model.ts";
import { modelsProjection } from "../projections/models/projection.ts";
import type { Projected } from "../projections/registered.ts";
import type { StoreServer } from "../projections/store-server.ts";
import { startWorker } from "./rebuild-suite.ts";
import { appendAll, modelRows } from "./stores.ts";

type Apply = ProjectionStore<unknown>["apply"];

/** A server whose workers apply batches in another way. */
function withApply(server: StoreServer, change: (apply: Apply, store: Checkpoints) => Apply): StoreServer {
  return {
    ...server,
    async open() {
      const opened = await server.open();
      const projections = opened.projections.map(
        ({ name, use, close }): Projected => ({
          ...{ name, close },
          use: (work) => use((projection, store) => work(projection, { ...store, apply: change(store.apply, store) })),
        }),
      );
      return { ...opened, projections };
    },
  };
}

type Checkpoints = Pick<ProjectionStore<unknown>, "checkpoint">;

/** The planted fault: applies from wherever the checkpoint is, instead of from where this worker is. */
export function unfenced(server: StoreServer): StoreServer {
  return withApply(server, (apply, store) => async (shard, _after, upTo, changes) => {
    await apply(shard, await store.checkpoint(shard), upTo, changes);
  });
}

/**
 * A worker reads where the models are and is then so slow that another one applies the same events before it does.
 * Faults of a server make that happen now and then; here it happens always.
 * @returns what is wrong at the end: a worker that halted, or tables whose rows are not those of the events
 */
export async function playLateWorker(server: StoreServer, run: number, rows: () => Promise<Rows>): Promise<string[]> {
  const { log } = await openTestLog();
  const events = randomHistory(7, 400).slice(0, 120);
  await appendAll(log, events.slice(0, 100));
  const arrived = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const late = startWorker(
    log,
    withApply(server, (apply) => async (...batch) => {
      arrived.resolve();
      await gate.promise;
      await apply(...batch);
    }),
  );
  await arrived.promise;
  const prompt = startWorker(log, server);
  await prompt.reaches(99);
  gate.resolve();
  await late.reaches(99);
  await appendAll(log, events.slice(100));
  for (const worker of [prompt, late]) await worker.reaches(events.length - 1);
  const halted = [prompt, late].flatMap((worker) => worker.halted() ?? []);
  for (const worker of [prompt, late]) await worker.stop();
  return [...halted, ...(await differing(await rows(), events, run))];
}

type Rows = Awaited<ReturnType<typeof modelRows>>;

/** The tables that differ from those that the same events make in a file. */
async function differing(found: Rows, events: readonly LedgerEvent[], run: number): Promise<string[]> {
  const expected = connectSqlite({ file: ":memory:" });
  try {
    await migrateModels(expected);
    const last = events.at(-1);
    assert(last, "there are events");
    const target = modelsTarget(expected, makeReadModels(run));
    await target.apply(last.shard, -1, last.revision, events.flatMap(modelsProjection.project));
    const wanted = await modelRows(expected);
    const text = (of: unknown) => JSON.stringify(of, (_, value) => (typeof value === "bigint" ? `${value}` : value));
    return Object.keys(wanted).filter((table) => text(found[table]) !== text(wanted[table]));
  } finally {
    await expected.destroy();
  }
}
