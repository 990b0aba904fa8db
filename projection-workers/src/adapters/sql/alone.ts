import type { Knex } from "knex";
import type { ProjectionStore } from "ledger-core";
import { inLock, storeError } from "ledger-core/sql";
import { rebuildUnderWay } from "../builds.ts";
import type { Layout } from "./model.ts";

/** Runs work alone among all processes that use a database on a server; the lock ends with its connection. */
export function aloneOnServer(db: Knex, { projection }: Layout): ProjectionStore<unknown>["alone"] {
  return async (work) => {
    const done = await inLock(db, `payledger_rebuild_${projection}`, work).catch((error: unknown) => {
      throw storeError("read models", error);
    });
    if (done === "held") throw rebuildUnderWay("read models");
    return done.result;
  };
}
