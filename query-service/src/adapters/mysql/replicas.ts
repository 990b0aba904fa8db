import { isLedgerError } from "ledger-core";
import type { Logger, MysqlTarget } from "ledger-core/process";
import { connectMysql, mysqlConnection, requireLayout, translateStoreErrors } from "ledger-core/sql";
import { createReplicaSet, type ReplicaSet } from "../../replicas.ts";

/** Replicas with their connections. */
export type MysqlReplicas = { readonly set: ReplicaSet; close(): Promise<void> };

/** A page takes milliseconds: a server that needs longer is in trouble, and another may answer. */
const patience = { connectMs: 2000, acquireMs: 2500, selectMs: 2500, silentMs: 4000 };

/**
 * Connects to replicas, each with a pool of its own.
 * @param connections the most connections to each
 * @throws LedgerError incompatible when the tables of one are an older or a newer version's; one that is away, or not
 * migrated yet, is tried when it is read
 */
export async function openMysqlReplicas(
  targets: readonly MysqlTarget[],
  connections: number,
  logger: Logger,
): Promise<MysqlReplicas> {
  const opened = targets.map((target) => ({
    name: `${target.host}:${target.port}`,
    db: connectMysql(mysqlConnection(target, { pool: { min: 0, max: connections }, patience, readOnly: true })),
  }));
  const close = async () => void (await Promise.all(opened.map(({ db }) => db.destroy())));
  const check = async ({ name, db }: (typeof opened)[number]) => {
    try {
      await translateStoreErrors("read models", () => requireLayout(db));
    } catch (error) {
      if (!isLedgerError(error) || error.code === "incompatible") throw error;
      logger.warn({ replica: name, code: error.code, err: error }, "a replica cannot be read now");
    }
  };
  try {
    await Promise.all(opened.map(check));
  } catch (error) {
    await close();
    throw error;
  }
  return { set: createReplicaSet(opened.map(({ name, db }) => ({ name, db: () => db }))), close };
}
