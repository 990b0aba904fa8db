import knex, { type Knex } from "knex";
import { silentLog } from "../knex-log.ts";

export type MysqlConnection = {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /**
   * `ca`: the authority's certificate in PEM, undefined: those that Node trusts. Null: in clear, for loopback and
   * sockets only.
   */
  readonly tls: { readonly ca?: string } | null;
  /** Connections kept and allowed; default 0 and 4. */
  readonly pool?: { readonly min: number; readonly max: number };
};

type Field = { readonly type: string; string(): string | null };

/** knex over MySQL 8 or MariaDB 10.11. The certificate's name is checked against the host, never only its signature. */
export function connectMysql({ host, port, user, password, database, tls, pool }: MysqlConnection): Knex {
  return knex({
    client: "mysql2",
    connection: {
      host,
      port,
      user,
      password,
      database,
      charset: "utf8mb4",
      timezone: "Z",
      supportBigNumbers: true,
      bigNumberStrings: true,
      dateStrings: true,
      decimalNumbers: false,
      connectTimeout: 10_000,
      typeCast: toRow,
      ...(tls && {
        ssl: { ...(tls.ca && { ca: tls.ca }), minVersion: "TLSv1.2", rejectUnauthorized: true, verifyIdentity: true },
      }),
    },
    compileSqlOnError: false,
    log: silentLog,
    acquireConnectionTimeout: 15_000,
    pool: { ...(pool ?? { min: 0, max: 4 }), propagateCreateError: true, afterCreate: prepareSession },
  });
}

/**
 * The one place where the driver's values become ours: every BIGINT and whole DECIMAL (a sum) is a bigint, as from
 * SQLite.
 */
function toRow(field: Field, next: () => unknown): unknown {
  switch (field.type) {
    case "LONGLONG": {
      const text = field.string();
      return text === null ? null : BigInt(text);
    }
    case "DECIMAL":
    case "NEWDECIMAL": {
      const text = field.string();
      return text === null || text.includes(".") ? text : BigInt(text);
    }
    default:
      return next();
  }
}

const session =
  "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO', time_zone = '+00:00'";

function prepareSession(
  connection: { query(sql: string, done: (error: Error | null) => void): void },
  done: (error: Error | null, connection: unknown) => void,
): void {
  connection.query(session, (error) => done(error, connection));
}
