import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { names } from "../../testing/folder.ts";
import { goldTablesSuite } from "../../testing/gold-suite.ts";
import { startWarehouseServer, TOKEN, type WarehouseServer } from "../../testing/warehouse-server.ts";
import { openGoldWarehouse } from "./gold-tables.ts";
import { openWarehouse, type WarehouseOptions } from "./warehouse.ts";

const place = { catalog: "payledger", schema: "gold" };

function openOn(server: WarehouseServer, options: Partial<WarehouseOptions> = {}) {
  const warehouse = openWarehouse({ url: server.url, id: "abc123", token: async () => TOKEN, ...options });
  return openGoldWarehouse(warehouse, { ...place, names, tuning: { rememberMs: 0 } });
}

goldTablesSuite("a SQL warehouse's stand-in", async () => {
  const server = await startWarehouseServer(place);
  const gold = openOn(server);
  return { gold, write: async (table, rows) => server.write(table, rows), close: () => server.close() };
});

describe("a warehouse", () => {
  let server: WarehouseServer;
  beforeEach(async () => {
    server = await startWarehouseServer(place);
  });
  afterEach(() => server.close());

  const query = { table: "report_positions", key: { text: "x' OR 1=1" }, order: "desc", limit: 7 } as const;

  test("is asked in one statement, whose values are parameters, and which it cancels in time", async () => {
    server.write("merchant_daily_sales", []);
    await openOn(server, { statementSeconds: 5 }).rows(query);
    expect(server.requests).toEqual([
      {
        warehouse_id: "abc123",
        statement:
          "SELECT `shard`, `position`, `complete_to` FROM `payledger`.`gold`.`report_positions` " +
          "WHERE `table_name` = :key0 ORDER BY `shard` DESC LIMIT 7",
        parameters: [{ name: "key0", value: "x' OR 1=1", type: "STRING" }],
        ...{ wait_timeout: "5s", on_wait_timeout: "CANCEL", disposition: "INLINE", format: "JSON_ARRAY", row_limit: 7 },
      },
    ]);
  });

  test.each<[string, number, string]>([
    ["refuses the login", 401, "it refused the login"],
    ["forbids it", 403, "it refused the login"],
    ["is busy", 429, "status 429"],
    ["fails", 500, "status 500"],
    ["sends one elsewhere", 307, "TypeError"],
    ["sends no JSON", 200, "not JSON"],
  ])("that %s is unavailable, and nothing of its answer or the token is told", async (_, status, message) => {
    server.answer = (response) => response.writeHead(status, { location: "/elsewhere" }).end(`planted <${TOKEN}>`);
    await expectUnavailable(message);
  });

  test.each<[string, object, string]>([
    ["was cancelled", { status: { state: "CANCELED" } }, "the statement ended as CANCELED"],
    [
      "failed",
      { status: { state: "FAILED", error: { message: "[UNRESOLVED_COLUMN.WITH_SUGGESTION] planted" } } },
      "ended as FAILED: UNRESOLVED_COLUMN.WITH_SUGGESTION",
    ],
    ["has more rows", { status: { state: "SUCCEEDED" }, manifest: { truncated: true } }, "not send all rows"],
    ["goes on", { status: { state: "SUCCEEDED" }, result: { next_chunk_internal_link: "/planted" } }, "not send all"],
    ["has other rows", { status: { state: "SUCCEEDED" }, result: { data_array: [[1]] } }, "no rows of text"],
    ["has no state", { status: { state: "planted" } }, "no state"],
    ["is a list", [], "no state"],
  ])("whose statement %s is unavailable", async (_, body, message) => {
    server.answer = (response) => response.writeHead(200).end(JSON.stringify(body));
    await expectUnavailable(message);
  });

  test.each<[string, (response: ServerResponse) => void, string]>([
    ["does not answer", () => undefined, "TimeoutError"],
    ["stops in the middle", (response) => response.writeHead(200).write('{"status"'), "TimeoutError"],
    ["goes away", (response) => response.destroy(), "TypeError"],
    ["never stops", (response) => void response.writeHead(200).end(Buffer.alloc(9 * 1024 * 1024, " ")), "too long"],
  ])("that %s is unavailable", async (_, answer, message) => {
    server.answer = answer;
    await expectUnavailable(message, message === "TimeoutError" ? 200 : 60_000);
  });

  test("with cells of another type names the column", async () => {
    server.write("report_positions", [{ table_name: "a", shard: 0n, position: "many", complete_to: null }]);
    const asked = openOn(server).rows({ ...query, key: { text: "a" } });
    await expect(asked).rejects.toMatchObject({ code: "row_unreadable", message: /column position/ });
  });

  test("that refuses a token makes it be replaced", async () => {
    let refused = 0;
    const gold = openOn(server, { token: async () => "old", onRefused: () => refused++ });
    await expect(gold.rows(query)).rejects.toMatchObject({ code: "store_unavailable" });
    expect(refused).toBe(1);
  });

  async function expectUnavailable(message: string, timeoutMs = 60_000): Promise<void> {
    const error: unknown = await openOn(server, { timeoutMs })
      .rows(query)
      .catch((fault: unknown) => fault);
    expect(error).toMatchObject({ code: "store_unavailable", message: expect.stringContaining(message) });
    expect(String(error)).not.toContain("planted");
  }
});
