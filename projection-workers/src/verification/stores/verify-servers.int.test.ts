import { join } from "node:path";
import { openSqliteLog } from "ledger-core/event-log";
import type { MysqlTarget } from "ledger-core/process";
import { connectMysql } from "ledger-core/sql";
import { findMariadb, randomHistory, seeded } from "ledger-core/testing";
import { type MariadbNode, type MariadbPair, startMariadbPair } from "ledger-core/testing/engines/mariadb-pair";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { migrateServerModels, modelsServer, modelsServers } from "../../projections/list.ts";
import { readModels } from "../../projections/models/model.ts";
import { appendAll, temporaryFolder, toTheEnd } from "../../testing/stores.ts";
import { verifyStores } from "./verify-stores.ts";

const source = await findMariadb();
const seed = Math.floor(Math.random() * 2 ** 31);
const CHANGES = 6;

describe.skipIf(source.kind !== "local")("read models on a MariaDB primary and its replica", () => {
  let pair: MariadbPair;
  beforeAll(async () => {
    if (source.kind !== "local") throw new Error("skipped otherwise");
    pair = await startMariadbPair(source.local);
  });
  afterAll(() => pair.stop());

  test(`equal; then ${CHANGES} changed cells, each found and named (seed ${seed})`, { timeout: 180_000 }, async () => {
    const { folder, remove } = await temporaryFolder();
    const events = randomHistory(seed, 250);
    const log = await openSqliteLog({ file: join(folder, "events.sqlite") });
    await appendAll(log, events);
    const database = await pair.createDatabase();
    const nodes = new Map([
      ["read models", pair.primary()],
      ...pair.replicas().map((node) => ["replica 1", node] as const),
    ]);
    const db = connectMysql({ ...pair.primary().as("writer"), database });
    await migrateServerModels(db);
    await db.destroy();
    const opened = await modelsServer(targetOf(pair.primary(), "writer", database), 1).open();
    for (const projected of opened.projections) await toTheEnd(projected, log, events.length - 1);
    await opened.close();
    const targets = [...nodes].map(([name, node]) => [name, targetOf(node, "reader", database)] as const);
    const groups = [modelsServers(new Map(targets))];
    const tuning = { fillMax: 100, pauseMs: 0, waitMs: 30_000 };
    const verified = () => verifyStores({ log, shards: [0], groups, scratch: folder, tuning });

    const before = await verified();
    expect(before.stores).toMatchObject(
      [...nodes.keys()].map((store) => ({ store, verdict: "equal", figures: before.log })),
    );
    const next = seeded(seed);
    const settled = () => Promise.all(pair.replicas().map((node) => node.caughtUp(pair.primary())));
    for (let n = 0; n < CHANGES; n++) {
      const [store = "", node = pair.primary()] = [...nodes][next(nodes.size)] ?? [];
      const changed = await changeCell(node, database, unlogged(node === pair.primary()), next);
      await settled();
      const { verdict, stores } = await verified();
      expect(verdict, changed.text).toBe("differs");
      const found = stores.filter(({ verdict }) => verdict !== "equal");
      // A change on the primary reaches the replica too.
      expect(found[0], changed.text).toMatchObject({ store, first: { table: changed.table, column: changed.column } });
      await node.sql(...unlogged(node === pair.primary()), changed.undo);
      await settled();
      const after = await verified();
      expect(after.verdict, changed.text).toBe("equal");
    }
    await log.close();
    await remove();
  });
});

function targetOf(node: MariadbNode, as: "writer" | "reader", database: string): MysqlTarget {
  const { host, port, user, password, tls } = node.as(as);
  const credentials = { username: user, password: { reveal: () => password } };
  return { kind: "mysql", host, port, database, credentials, ...(tls && { tls }) };
}

/** A replica's own changes must not be in its log, or it would refuse to follow the primary. */
function unlogged(isPrimary: boolean): readonly string[] {
  return isPrimary ? [] : ["SET SESSION sql_log_bin = 0"];
}

/** Changes one number in a random row, and tells how to undo it. */
async function changeCell(
  node: MariadbNode,
  database: string,
  first: readonly string[],
  next: (below: number) => number,
) {
  const tables = readModels.tables.flatMap(({ name, key, columns }) =>
    Object.entries(columns).flatMap(([column, type]) =>
      /int/.test(type) && !key.includes(column) ? [{ name, key, column }] : [],
    ),
  );
  while (true) {
    const drawn = tables[next(tables.length)];
    const [row] = drawn
      ? await node.sql(
          `SELECT table_name AS name FROM information_schema.tables
            WHERE table_schema = '${database}' AND table_name REGEXP '^${drawn.name}_[0-9]+$'`,
        )
      : [];
    if (!drawn || !row) continue;
    const table = `\`${database}\`.\`${row.name}\``;
    const rows = await node.sql(`SELECT * FROM ${table} WHERE \`${drawn.column}\` IS NOT NULL LIMIT 20`);
    const picked = rows[next(Math.max(1, rows.length))];
    if (!picked) continue;
    const value = (given: unknown) => (typeof given === "string" ? `'${given}'` : `${given}`);
    const where = drawn.key.map((column) => `\`${column}\` = ${value(picked[column])}`).join(" AND ");
    const set = (to: unknown) => `UPDATE ${table} SET \`${drawn.column}\` = ${to} WHERE ${where}`;
    const before = picked[drawn.column];
    const text = set(`\`${drawn.column}\` + 1`);
    await node.sql(...first, text);
    return { table: drawn.name, column: drawn.column, text, undo: set(before) };
  }
}
