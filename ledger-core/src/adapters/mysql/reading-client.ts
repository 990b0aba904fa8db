import Mysql2Client from "knex/lib/dialects/mysql2/index.js";

type Connection = { query(sql: string, done: (error: Error | null) => void): void; destroy(): void };
type Query = { readonly sql: string; response?: unknown };

/**
 * For connections that only read, with autocommit off: a transaction begins with its first SELECT, without a round trip
 * of its own, and nobody waits for its end. The driver sends nothing else on a connection before that.
 */
export class ReadingMysqlClient extends Mysql2Client {
  override async _query<Sent extends Query>(connection: Connection, query: Sent): Promise<Sent> {
    const isEnd = /^(COMMIT|ROLLBACK)\b/.test(query.sql);
    if (isEnd || query.sql === "BEGIN;") {
      if (isEnd) endTransaction(connection);
      query.response = [[], []];
      return query;
    }
    try {
      return await super._query(connection, query);
    } finally {
      // A SELECT by itself has begun one, too.
      if (!this.transacting) endTransaction(connection);
    }
  }
}

/** A connection on which it fails would go on reading the past. */
function endTransaction(connection: Connection): void {
  connection.query("COMMIT", (error) => {
    if (error) connection.destroy();
  });
}
