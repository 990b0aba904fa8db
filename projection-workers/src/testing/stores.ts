import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { Knex } from "knex";
import { type Build, encodeEvent, type LedgerEvent } from "ledger-core";
import type { EventLog, EventSource, StoredEvent } from "ledger-core/event-log";
import { createLogger, type Logger } from "ledger-core/process";
import { connectSqlite, selectRows } from "ledger-core/sql";
import { onTestFinished } from "vitest";
import { servedBuild } from "../adapters/sql/builds.ts";
import { layoutOf, tableSuffix } from "../adapters/sql/model.ts";
import { runProjection } from "../consumer/consumer.ts";
import { migrateModels, storeFiles } from "../projections/list.ts";
import { readModels } from "../projections/models/model.ts";
import type { Projected } from "../projections/registered.ts";
import { pathOf } from "../running/keep-projections.ts";

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

export const modelTables = { ...readModels, name: "models" };

/** The served build of the models. */
export function servedModels(db: Knex): Promise<Build> {
  return servedBuild(db, layoutOf(db, modelTables));
}

/** Every row of the served build of the models, by table. */
export async function modelRows(db: Knex): Promise<Record<string, unknown[]>> {
  const suffix = tableSuffix(db, modelTables, await servedModels(db));
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

/** Fills the files of all projections in a folder from a log, up to its head. */
export async function fillFiles(folder: string, log: EventSource, head: number): Promise<void> {
  for (const file of storeFiles) {
    const opened = await file.open(pathOf(folder, file));
    for (const projected of opened.projections) await toTheEnd(projected, log, head);
    await opened.close();
  }
}

/** Runs a projection until it has applied the last event. */
export async function toTheEnd(projected: Projected, log: EventSource, head: number): Promise<void> {
  const abort = new AbortController();
  const onProgress = (_name: string, _shard: number, revision: number) => {
    if (revision === head) abort.abort();
  };
  const options = { log, shard: 0, logger: quiet, signal: abort.signal, onProgress };
  await projected.use((projection, target) => runProjection({ ...options, projection, target }).finished);
}

/** Every row of a SQLite file, by table. */
export function fileRows(database: DatabaseSync): Record<string, unknown[]> {
  const names = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all();
  return Object.fromEntries(names.map(({ name }) => [String(name), database.prepare(`SELECT * FROM ${name}`).all()]));
}
