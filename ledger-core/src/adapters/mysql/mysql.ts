import type { Socket } from "node:net";
import knex, { type Knex } from "knex";
import type { MysqlTarget } from "../../process/read-model-part.ts";
import { type EntraTokens, openEntraTokens } from "../entra/tokens.ts";
import { silentLog } from "../knex-log.ts";
import { ReadingMysqlClient } from "./reading-client.ts";
import { tokenLogin } from "./token-login.ts";

export type MysqlConnection = {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Used instead of the password, which is then empty; needs TLS. */
  readonly tokens?: EntraTokens;
  readonly database: string;
  /**
   * `ca`: the authority's certificate in PEM, undefined: those that Node trusts. Null: in clear, for loopback and
   * sockets only.
   */
  readonly tls: { readonly ca?: string } | null;
  /** Connections kept and allowed; default 0 and 4. */
  readonly pool?: { readonly min: number; readonly max: number };
  readonly patience?: Partial<MysqlPatience>;
  /** Nothing is ever written: transactions then cost no round trips of their own. Default: false. */
  readonly readOnly?: boolean;
};

/** How long each step may take, in ms, before the store counts as unavailable. */
export type MysqlPatience = {
  /** A connection and its login. 100 to 60,000. Default 10,000. */
  readonly connectMs: number;
  /** Waiting for a connection of the pool, which may first have to be made. 100 to 120,000. Default 15,000. */
  readonly acquireMs: number;
  /** A server that sends nothing: its connection is then given up. 100 to 3,600,000. Default 120,000. */
  readonly silentMs: number;
  /** A SELECT; the server then ends it. 10 to 3,600,000. Default: no limit. */
  readonly selectMs?: number;
};

const mysqlPatience: MysqlPatience = { connectMs: 10_000, acquireMs: 15_000, silentMs: 120_000 };

/** How to connect to a server that settings describe. */
export function mysqlConnection(
  target: MysqlTarget,
  options: Pick<MysqlConnection, "pool" | "patience" | "readOnly"> = {},
) {
  const { host, port, database, credentials, tls = null } = target;
  const login =
    "entra" in credentials
      ? { password: "", tokens: openEntraTokens(credentials.entra) }
      : { password: credentials.password.reveal() };
  return { host, port, database, user: credentials.username, ...login, tls, ...options };
}

type Field = { readonly type: string; string(): string | null };

/**
 * knex over MySQL 8 or MariaDB 10.11. The certificate's name is checked against the host, never only its signature.
 * @throws LedgerError config for tokens without TLS
 */
export function connectMysql(connection: MysqlConnection): Knex {
  const { host, port, user, password, database, tls, pool, readOnly = false } = connection;
  const patience = { ...mysqlPatience, ...connection.patience };
  const login = connection.tokens && tokenLogin(connection.tokens, tls !== null);
  const db = knex({
    client: readOnly ? ReadingMysqlClient : "mysql2",
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
      connectTimeout: patience.connectMs,
      typeCast: toRow,
      ...(login && { authPlugins: login.authPlugins }),
      ...(tls && {
        ssl: { ...(tls.ca && { ca: tls.ca }), minVersion: "TLSv1.2", rejectUnauthorized: true, verifyIdentity: true },
      }),
    },
    compileSqlOnError: false,
    log: silentLog,
    acquireConnectionTimeout: patience.acquireMs,
    pool: {
      ...(pool ?? { min: 0, max: 4 }),
      propagateCreateError: true,
      afterCreate: prepareSession(patience, readOnly),
      ...(login && { validate: login.isPresent }),
    },
  });
  login?.attach(db);
  return db;
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

type DriverConnection = {
  readonly stream: Socket;
  query(sql: string, done: (error: Error | null) => void): void;
};

/**
 * Prepares a new connection: strict writing, UTC, and one snapshot per transaction whatever the server's default is.
 * MySQL and MariaDB name their limits of time differently; a comment of the one's form is SQL to the other.
 */
function prepareSession({ silentMs, selectMs }: MysqlPatience, readOnly: boolean) {
  const modes = "'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO'";
  const limit =
    selectMs === undefined
      ? ""
      : ` /*M!100100 , max_statement_time = ${selectMs / 1000} */ /*!80000 , max_execution_time = ${selectMs} */`;
  const statements = [
    `SET SESSION sql_mode = ${modes}, time_zone = '+00:00', autocommit = ${readOnly ? 0 : 1}${limit}`,
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
  ];
  return (connection: DriverConnection, done: (error: Error | null, connection: unknown) => void): void => {
    const { stream } = connection;
    // Without this, a query to a server that was cut off would wait for as long as the system keeps the connection.
    stream.setTimeout(silentMs, () => {
      stream.destroy(Object.assign(new Error(`the server sent nothing for ${silentMs} ms`), { code: "ETIMEDOUT" }));
    });
    const [first = "", second = ""] = statements;
    connection.query(first, (error) => {
      if (error) done(error, connection);
      else connection.query(second, (failed) => done(failed, connection));
    });
  };
}
