import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Knex } from "knex";
import { type LedgerEvent, NO_REVISION, type Revision } from "ledger-core";
import { connectSqlite } from "ledger-core/sql";
import { type ModelChange, migrateModels, modelsProjection, modelsTarget } from "projection-workers";

/** Read models in a file of their own: written as the projection writes them, read through a connection that cannot write. */
export type TestModels = {
  readonly reader: Knex;
  readonly writer: Knex;
  /** Projects events that follow what was projected, as far as their last revision. */
  project(events: readonly LedgerEvent[]): Promise<void>;
  /** Applies changes as those of the next event. */
  apply(changes: readonly ModelChange[]): Promise<Revision>;
  /** Moves the checkpoint on over events that change nothing. */
  moveTo(revision: Revision): Promise<void>;
  close(): Promise<void>;
};

export async function openModels(): Promise<TestModels> {
  const folder = await mkdtemp(join(tmpdir(), "payledger-queries-"));
  const file = join(folder, "models.sqlite");
  const writer = connectSqlite({ file });
  await migrateModels(writer);
  const reader = connectSqlite({ file, readOnly: true });
  const target = modelsTarget(writer);
  let at: Revision = NO_REVISION;
  async function apply(upTo: Revision, changes: readonly ModelChange[]): Promise<Revision> {
    await target.apply(0, at, upTo, changes);
    at = upTo;
    return at;
  }
  return {
    reader,
    writer,
    async project(events) {
      const last = events.at(-1);
      if (last) await apply(last.revision, events.flatMap(modelsProjection.project));
    },
    apply: (changes) => apply(at + 1, changes),
    async moveTo(revision) {
      await apply(revision, []);
    },
    async close() {
      await reader.destroy();
      await writer.destroy();
      await rm(folder, { recursive: true });
    },
  };
}
