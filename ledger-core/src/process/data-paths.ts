import { join } from "node:path";

/** The files of a data folder that several processes may share. */
export type DataPaths = {
  readonly events: string;
  /** The decision state, used only by the writer. */
  readonly state: string;
  /** The folder of the read models, one SQLite file per projection. */
  readonly readModels: string;
  readonly models: string;
  readonly views: string;
  /** Revoked tokens; unlike the read models, it cannot be rebuilt. */
  readonly revocations: string;
  /** The JWK that signs tokens. */
  readonly tokenKey: string;
  /** Signs the cursors of lists. */
  readonly cursorKey: string;
  /** Makes the pseudonyms of exported tables. */
  readonly exportKey: string;
  /** The folder of exported tables. */
  readonly lake: string;
};

/** The layout of an embedded ledger's data folder. */
export function dataPaths(dir: string): DataPaths {
  return {
    events: join(dir, "events.sqlite"),
    state: join(dir, "state.sqlite"),
    readModels: dir,
    models: join(dir, "models.sqlite"),
    views: join(dir, "views.sqlite"),
    revocations: join(dir, "revocations.sqlite"),
    tokenKey: join(dir, "keys", "token-signing.jwk.json"),
    cursorKey: join(dir, "keys", "cursor.key"),
    exportKey: join(dir, "keys", "export.key"),
    lake: join(dir, "lake"),
  };
}
