import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { DatabaseSync } from "node:sqlite";
import { type GoldColumn, type GoldTableName, goldTables } from "ledger-core";
import { columnsOf, type WrittenRow } from "./gold-writer.ts";

export type WarehouseServer = {
  readonly url: string;
  /** The bodies of its requests. */
  readonly requests: readonly Statement[];
  write(table: GoldTableName, rows: readonly WrittenRow[]): void;
  /** Answers the next requests instead of the tables; undefined: the tables again. */
  answer: ((response: ServerResponse, request: IncomingMessage) => void) | undefined;
  close(): Promise<void>;
};

type Statement = {
  readonly warehouse_id: string;
  readonly statement: string;
  readonly parameters: readonly { readonly name: string; readonly value: string; readonly type: string }[];
  readonly wait_timeout: string;
  readonly on_wait_timeout: string;
  readonly disposition: string;
  readonly format: string;
  readonly row_limit: number;
};

export const TOKEN = "a planted token of the warehouse";

/**
 * A stand-in for a SQL warehouse on this machine: the documented form of its requests and answers, with statements run
 * by SQLite, which knows names in backticks and `:name` markers too. It has never been compared with a real one.
 */
export async function startWarehouseServer({ catalog, schema }: { catalog: string; schema: string }) {
  const db = new DatabaseSync(":memory:");
  const requests: Statement[] = [];
  const server = createServer((request, response) => void serve(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const tables: WarehouseServer = {
    ...{ url: `http://127.0.0.1:${port}`, requests, answer: undefined },
    write(table, rows) {
      const columns = columnsOf(table);
      const names = columns.map(({ name }) => `\`${name}\``).join(", ");
      db.exec(`DROP TABLE IF EXISTS \`${table}\`; CREATE TABLE \`${table}\` (${names})`);
      const insert = db.prepare(`INSERT INTO \`${table}\` VALUES (${columns.map(() => "?").join(", ")})`);
      for (const row of rows) insert.run(...columns.map(({ name }) => row[name] ?? null));
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
      db.close();
    },
  };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece);
    if (tables.answer) return tables.answer(response, request);
    const reply = (status: number, body: object) => response.writeHead(status).end(JSON.stringify(body));
    if (request.headers.authorization !== `Bearer ${TOKEN}`) return void reply(401, {});
    if (request.method !== "POST" || request.url !== "/api/2.0/sql/statements") return void reply(404, {});
    const asked: Statement = JSON.parse(Buffer.concat(pieces).toString("utf8"));
    requests.push(asked);
    reply(200, run(asked));
  }

  function run({ statement, parameters, row_limit }: Statement): object {
    const here = statement.replace(`\`${catalog}\`.\`${schema}\`.`, "");
    const table = /FROM `(\w+)`/.exec(here)?.[1] ?? "";
    if (!db.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?").get(table)) {
      const message = `[TABLE_OR_VIEW_NOT_FOUND] The table \`${table}\` cannot be found.`;
      return { statement_id: "1", status: { state: "FAILED", error: { error_code: "BAD_REQUEST", message } } };
    }
    const select = db.prepare(here);
    select.setReadBigInts(true);
    const values = Object.fromEntries(parameters.map(({ name, value }) => [name, value]));
    const rows = select.all(values).slice(0, row_limit);
    const types: Readonly<Record<string, GoldColumn>> = goldTables[table as GoldTableName].columns;
    const cells = rows.map((row) => Object.keys(types).map((name) => (row[name] === null ? null : String(row[name]))));
    const manifest = { format: "JSON_ARRAY", total_row_count: rows.length, truncated: false };
    return { statement_id: "1", status: { state: "SUCCEEDED" }, manifest, result: { data_array: cells } };
  }
  return tables;
}
