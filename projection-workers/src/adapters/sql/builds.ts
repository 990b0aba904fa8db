import type { Knex } from "knex";
import {
  type Build,
  buildOf,
  LedgerError,
  type ModelVersionRow,
  NO_REVISION,
  type Revision,
  type Shard,
} from "ledger-core";
import { affectedRows, insertRows, lockText, selectRows } from "ledger-core/sql";
import { checkpoints, type Layout, modelVersions } from "./model.ts";

/** The builds with a checkpoint: the served one, and leftovers of an interrupted rebuild. */
export async function storedVersions(db: Knex, layout: Layout): Promise<number[]> {
  const rows = await selectRows<{ version: number }>(
    db,
    `SELECT version FROM \`${checkpoints.name}\` WHERE projection = ? GROUP BY version ORDER BY version`,
    [layout.projection],
  );
  return rows.map(({ version }) => version);
}

/** The served build. With a lock, it does not change until the transaction ends. */
export async function servedBuild(db: Knex, layout: Layout, lock?: "share" | "update"): Promise<Build> {
  const build = await findServedBuild(db, layout, lock);
  if (!build) throw damaged(modelVersions.name);
  return build;
}

/** Like `servedBuild`; undefined if the store does not know the projection. */
export async function findServedBuild(db: Knex, layout: Layout, lock?: "share" | "update"): Promise<Build | undefined> {
  const [row] = await selectRows<ModelVersionRow>(
    db,
    `SELECT projection, version, suffix FROM \`${modelVersions.name}\`
      WHERE projection = ?${lock ? lockText(db, lock) : ""}`,
    [layout.projection],
  );
  if (!row) return undefined;
  const build = buildOf(row.version);
  if (!Number.isInteger(row.version) || row.suffix !== layout.suffix + build.suffix) throw damaged(modelVersions.name);
  return build;
}

/** Serves another build from the end of this transaction on. */
export async function serveBuild(trx: Knex, layout: Layout, build: Build): Promise<void> {
  const { projection, suffix } = layout;
  const row: ModelVersionRow = { projection, version: build.version, suffix: suffix + build.suffix };
  await insertRows(trx, modelVersions, "", [row], { replace: ["version", "suffix"] });
}

export async function readCheckpoint(db: Knex, layout: Layout, build: Build, shard: Shard): Promise<Revision> {
  const [row] = await selectRows<{ revision: bigint }>(
    db,
    `SELECT revision FROM \`${checkpoints.name}\` WHERE projection = ? AND version = ? AND shard = ?`,
    [layout.projection, build.version, shard],
  );
  if (!row) return NO_REVISION;
  const revision = Number(row.revision);
  if (!Number.isSafeInteger(revision) || revision < NO_REVISION) throw damaged(checkpoints.name);
  return revision;
}

function damaged(table: string): LedgerError {
  return new LedgerError("store_damaged", `read models: ${table} holds what nothing wrote`);
}

/**
 * Moves a build's checkpoint from `after` to `upTo`.
 * @throws revision_gap if it is not at `after`
 */
export async function moveCheckpoint(
  trx: Knex,
  layout: Layout,
  build: Build,
  shard: Shard,
  after: Revision,
  upTo: Revision,
): Promise<void> {
  const { projection } = layout;
  if (after === NO_REVISION) {
    const row = { projection, version: build.version, shard, revision: BigInt(NO_REVISION) };
    await insertRows(trx, checkpoints, "", [row], { replace: ["shard"] });
  }
  const met = await affectedRows(
    trx,
    `UPDATE \`${checkpoints.name}\` SET revision = ?
      WHERE projection = ? AND version = ? AND shard = ? AND revision = ?`,
    [upTo, projection, build.version, shard, after],
  );
  if (met !== 1) {
    throw new LedgerError(
      "revision_gap",
      `${projection} ${build.version}: the checkpoint of shard ${shard} is not at ${after}`,
      {
        position: { shard, revision: after },
      },
    );
  }
}
