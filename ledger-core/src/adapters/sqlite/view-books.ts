import type { DatabaseSync } from "node:sqlite";
import { LedgerError } from "../../domain/errors.ts";
import { NO_REVISION, type Position, type Revision, type Shard } from "../../domain/position.ts";
import { type Build, buildOf } from "../../ports/projection-store.ts";

/** The bookkeeping in a file of views: the served build of each view, and each build's checkpoint. */
export const viewBookkeeping = `
  CREATE TABLE IF NOT EXISTS view_builds (
    view TEXT PRIMARY KEY, version INTEGER NOT NULL, suffix TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS view_checkpoints (
    view TEXT NOT NULL, version INTEGER NOT NULL, shard INTEGER NOT NULL, revision INTEGER NOT NULL,
    PRIMARY KEY (view, version, shard)
  ) WITHOUT ROWID;`;

export type ViewBooks = {
  served(): Build;
  serve(build: Build): void;
  checkpoint(build: Build, shard: Shard): Revision;
  /** One per shard, by shard. */
  positions(build: Build): readonly Position[];
  /** @throws revision_gap when the checkpoint is not at `after` */
  moveCheckpoint(build: Build, shard: Shard, after: Revision, upTo: Revision): void;
};

/** The bookkeeping of one view in an open file. Its methods throw SQLite's errors, and store_damaged. */
export function openViewBooks(database: DatabaseSync, view: string): ViewBooks {
  const statements = {
    served: database.prepare("SELECT version, suffix FROM view_builds WHERE view = ?"),
    serve: database.prepare("INSERT OR REPLACE INTO view_builds VALUES (?, ?, ?)"),
    find: database.prepare("SELECT revision FROM view_checkpoints WHERE view = ? AND version = ? AND shard = ?"),
    list: database.prepare(
      "SELECT shard, revision FROM view_checkpoints WHERE view = ? AND version = ? ORDER BY shard",
    ),
    move: database.prepare("INSERT OR REPLACE INTO view_checkpoints VALUES (?, ?, ?, ?)"),
  };
  const damaged = () =>
    new LedgerError("store_damaged", `${view} view: its bookkeeping was not written by a projection`);

  function checkpoint({ version }: Build, shard: Shard): Revision {
    const row = statements.find.get(view, version, shard);
    if (!row) return NO_REVISION;
    const revision = Number(row.revision);
    if (!Number.isSafeInteger(revision) || revision < NO_REVISION) throw damaged();
    return revision;
  }

  return {
    served() {
      const row = statements.served.get(view);
      const version = Number(row?.version);
      const build = buildOf(version);
      if (!Number.isSafeInteger(version) || row?.suffix !== build.suffix) throw damaged();
      return build;
    },
    serve: ({ version, suffix }) => void statements.serve.run(view, version, suffix),
    checkpoint,
    positions: ({ version }) =>
      statements.list.all(view, version).map((row) => ({ shard: Number(row.shard), revision: Number(row.revision) })),
    moveCheckpoint(build, shard, after, upTo) {
      if (checkpoint(build, shard) !== after) {
        throw new LedgerError("revision_gap", `${view} view: the checkpoint of shard ${shard} is not at ${after}`, {
          position: { shard, revision: after },
        });
      }
      statements.move.run(view, build.version, shard, upTo);
    },
  };
}

/** Prepares the statements of a build once per suffix, and drops those of old builds. */
export function preparedBySuffix<Statements>(prepare: (suffix: string) => Statements): (suffix: string) => Statements {
  const prepared = new Map<string, Statements>();
  return (suffix) => {
    const known = prepared.get(suffix);
    if (known) return known;
    if (prepared.size > 1) prepared.clear();
    const fresh = prepare(suffix);
    prepared.set(suffix, fresh);
    return fresh;
  };
}
