import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Knex } from "knex";
import type { LedgerEvent, Revision } from "ledger-core";
import { connectSqlite } from "ledger-core/sql";
import {
  type ModelChange,
  makeReadModels,
  makeSqlProjections,
  migrateModels,
  modelsProjection,
  modelsTarget,
} from "projection-workers";

/** Read models written as the projection writes them, and read through a separate connection. */
export type TestModels = {
  readonly reader: Knex;
  readonly writer: Knex;
  /** Projects events that follow the projected ones, up to their last revision. */
  project(events: readonly LedgerEvent[]): Promise<void>;
  /** Applies changes of the read models as if from the next event. */
  apply(changes: readonly ModelChange[]): Promise<Revision>;
  /** Advances the checkpoint over events that change nothing. */
  moveTo(revision: Revision): Promise<void>;
  close(): Promise<void>;
};

/** Read models in a SQLite file of their own. */
export async function openModels(): Promise<TestModels> {
  const folder = await mkdtemp(join(tmpdir(), "payledger-queries-"));
  const file = join(folder, "models.sqlite");
  const writer = connectSqlite({ file });
  await migrateModels(writer);
  return modelsOn(writer, connectSqlite({ file, readOnly: true }), () => rm(folder, { recursive: true }));
}

/** So few that test histories span several runs. */
const RUN_REVISIONS = 50;

/**
 * Read models on existing connections; `release` closes these. `runRevisions`: how many revisions a run of entries has.
 */
export function modelsOn(
  writer: Knex,
  reader: Knex,
  release: () => Promise<void>,
  runRevisions = RUN_REVISIONS,
): TestModels {
  const target = modelsTarget(writer, makeReadModels(runRevisions));
  const others = makeSqlProjections(runRevisions)
    .filter(({ name }) => name !== modelsProjection.name)
    .map(({ registered }) => registered.open({ db: writer, reader }));
  async function apply(
    upTo: Revision,
    changes: readonly ModelChange[],
    events: readonly LedgerEvent[] = [],
  ): Promise<Revision> {
    await target.apply(0, await target.checkpoint(0), upTo, changes);
    for (const other of others) {
      await other.use(async ({ project }, store) =>
        store.apply(0, await store.checkpoint(0), upTo, events.flatMap(project)),
      );
    }
    return upTo;
  }
  return {
    reader,
    writer,
    async project(events) {
      const last = events.at(-1);
      if (last) await apply(last.revision, events.flatMap(modelsProjection.project), events);
    },
    apply: async (changes) => apply((await target.checkpoint(0)) + 1, changes),
    async moveTo(revision) {
      await apply(revision, []);
    },
    async close() {
      await reader.destroy();
      await writer.destroy();
      await release();
    },
  };
}
