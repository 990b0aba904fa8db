import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { Knex } from "knex";
import { encodeEvent, type LedgerEvent } from "ledger-core";
import type { EventLog, StoredEvent } from "ledger-core/event-log";
import { createLogger, type Logger } from "ledger-core/process";
import { connectSqlite, selectRows } from "ledger-core/sql";
import { onTestFinished } from "vitest";
import { servedBuild } from "../adapters/sql/builds.ts";
import { migrateModels } from "../projections/list.ts";
import { readModels } from "../projections/models/model.ts";

export const quiet: Logger = createLogger({ level: "silent", name: "test" });

export async function temporaryFolder(): Promise<{ readonly folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "projections-"));
  return { folder, remove: () => rm(folder, { recursive: true }) };
}

/** A folder for the duration of a test. */
export async function testFolder(): Promise<string> {
  const { folder, remove } = await temporaryFolder();
  onTestFinished(remove);
  return folder;
}

/** Empty read models in a SQLite file: a writing and a reading connection. */
export async function testModels(): Promise<{ readonly db: Knex; readonly reader: Knex }> {
  const file = join(await testFolder(), "models.sqlite");
  const db = connectSqlite({ file });
  onTestFinished(() => db.destroy());
  await migrateModels(db);
  const reader = connectSqlite({ file, readOnly: true });
  onTestFinished(() => reader.destroy());
  return { db, reader };
}

/** Every row of the served build of the models, by table. */
export async function modelRows(db: Knex): Promise<Record<string, unknown[]>> {
  const { suffix } = await servedBuild(db, "models");
  const rows: Record<string, unknown[]> = {};
  for (const { name, key } of readModels.tables) {
    rows[name] = await selectRows(db, `SELECT * FROM ${name}${suffix} ORDER BY ${key.join(", ")}`);
  }
  return rows;
}

/** Events as a log returns them. */
export function stored(events: readonly LedgerEvent[]): StoredEvent[] {
  return events.map((event) => {
    const { id, at, shard, revision } = event;
    return { id, at, shard, revision, leaf: new Uint8Array(32), ...encodeEvent(event) };
  });
}

/** Appends events after those in the log. */
export async function appendAll(log: EventLog, events: readonly LedgerEvent[]): Promise<void> {
  for (const event of events) {
    await log.append(event.shard, event.revision - 1, stored([event]));
  }
}

/** Every row of a views' file, by table. */
export function viewRows(database: DatabaseSync): Record<string, unknown[]> {
  const names = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all();
  return Object.fromEntries(names.map(({ name }) => [String(name), database.prepare(`SELECT * FROM ${name}`).all()]));
}
