import type { Knex } from "knex";
import {
  type AccountRow,
  assert,
  entriesOf,
  type LedgerEvent,
  NO_REVISION,
  postingsOf,
  readId,
  rebrand,
} from "ledger-core";
import { insertRows, selectRows } from "ledger-core/sql";
import { openTestLog, projectionStoreSuite } from "ledger-core/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { servedBuild } from "../adapters/sql/builds.ts";
import { runProjection } from "../consumer/consumer.ts";
import { migrateModels } from "../projections/list.ts";
import { modelsStore, modelsTarget } from "../projections/models/model.ts";
import { modelsProjection } from "../projections/models/projection.ts";
import { accounts } from "../projections/models/tables.ts";
import { rebuild } from "../rebuild/rebuild.ts";
import { randomHistory } from "./history.ts";
import { appendAll, modelRows, quiet } from "./stores.ts";

/** A store without tables: a connection that writes, one that reads beside it, and both once more after a restart. */
export type ModelStore = {
  readonly db: Knex;
  readonly reader: Knex;
  reopen(): Promise<Knex>;
  dispose(): Promise<void>;
};

const whole = randomHistory(1, 400);
/** What the models have applied; the rest arrives later. */
const history = whole.slice(0, -40);

/** What the read models must do on any database; run for SQLite and for a real MariaDB. */
export function modelsSuite(name: string, open: () => Promise<ModelStore>): void {
  projectionStoreSuite(
    `read models, ${name}`,
    {
      events: history.slice(0, 60).map((event) => modelsProjection.project(event)),
      poison: { kind: "status", account: "acct_unknown", status: "frozen" },
    },
    async () => {
      const store = await open();
      await migrateModels(store.db);
      return {
        store: modelsStore(store),
        reopen: async () => modelsStore({ db: await store.reopen(), reader: store.reader }),
        dispose: store.dispose,
      };
    },
  );

  describe(`read models, ${name}`, () => {
    let store: ModelStore;
    beforeAll(async () => {
      store = await open();
      await migrateModels(store.db);
      await modelsTarget(store.db).apply(0, NO_REVISION, history.length - 1, history.flatMap(modelsProjection.project));
    });
    afterAll(() => store.dispose());

    test("migrating again changes nothing", async () => {
      const before = await modelRows(store.db);
      await migrateModels(store.db);
      expect(await modelRows(store.db)).toEqual(before);
      expect(await servedBuild(store.db, "models")).toEqual({ version: 1, suffix: "" });
    });

    test("tables that a newer program has changed are refused", async () => {
      const name = "9999_from_the_future";
      await store.db.raw("INSERT INTO model_migrations (name) VALUES (?)", [name]);
      await expect(migrateModels(store.db)).rejects.toMatchObject({ code: "incompatible" });
      await store.db.raw("DELETE FROM model_migrations WHERE name = ?", [name]);
    });

    test("entries are the postings of the log, in the types that both databases share", async () => {
      const rows = await selectRows(store.reader, "SELECT * FROM entries ORDER BY revision, idx");
      const expected = history.flatMap(entriesOf);
      expect(rows.map((row) => ({ ...row }))).toEqual(
        expected.map((entry) => ({
          account: entry.account,
          revision: BigInt(entry.position.revision),
          idx: readId(entry.id).salt,
          id: entry.id,
          tenant: entry.tenant,
          shard: 0,
          amount: entry.amount,
          balance_after: entry.balanceAfter,
          currency: entry.currency,
          type: entry.type,
          booked_at: BigInt(entry.bookedAt),
          effective_date: entry.effectiveDate,
          counterparty: entry.counterparty,
          reference: entry.reference,
          source_id: entry.source.id,
        })),
      );
    });

    test("balances are the last that the events say, and daily totals sum to them", async () => {
      const last = new Map(history.flatMap(({ fact }) => postingsOf(fact)).map((p) => [String(p.account), p.balance]));
      const rows = await selectRows<{ id: string; posted: bigint; total: bigint | null }>(
        store.reader,
        `SELECT a.id, a.posted, (
          SELECT SUM(d.billions) * 1000000000 + SUM(d.units) FROM daily_totals d WHERE d.account = a.id
        ) AS total FROM accounts a`,
      );
      expect(rows.length).toBeGreaterThan(8);
      for (const { id, posted, total } of rows) {
        expect({ id, posted }).toEqual({ id, posted: last.get(id) ?? 0n });
        expect({ id, total: total ?? 0n }).toEqual({ id, total: posted });
      }
    });

    test("amounts of 18 digits, text of any script and NULL come back as they were written", async () => {
      const [row] = history.flatMap(modelsProjection.project).flatMap((c) => (c.kind === "account" ? [c.row] : []));
      const written = {
        ...row,
        ...{ id: "acct_extremes", owner: "Ω𝄞 ' \" \\ ; --", display_name: "商店 🏪", metadata: '{"a":"\\u0000"}' },
        ...{ tenant: "t", type: "wallet", currency: "HKD", status: "open", time_zone: "UTC", shard: 1023 },
        ...{ floor: -999_999_999_999_999_999n, per_transaction: 999_999_999_999_999_999n, per_day: null },
        ...{ posted: 9_007_199_254_740_993n, held: 0n, opened_at: 1_795_249_800_000_000n },
      };
      await insertRows(store.db, accounts, "", [written]);
      const rows = await selectRows(store.reader, "SELECT * FROM accounts WHERE id = ?", [written.id]);
      expect(rows.map((read) => ({ ...read }))).toEqual([written]);
      await store.db.raw("DELETE FROM accounts WHERE id = ?", [written.id]);
    });

    test("a key that is there already is a poison event, not a replacement", async () => {
      const [first] = history.flatMap(modelsProjection.project);
      const again = modelsTarget(store.db).apply(0, history.length - 1, history.length, first ? [first] : []);
      await expect(again).rejects.toMatchObject({ code: "poison_event" });
    });

    test("daily totals past 2^63 are exact, in whatever batches they were written", async () => {
      const [entry] = history.flatMap(modelsProjection.project).flatMap((c) => (c.kind === "entry" ? [c.row] : []));
      assert(entry, "the history holds an entry");
      const account = "acct_extremes";
      const most = 999_999_999_999_999_999n;
      // In under an earlier date and out under today's: no balance is ever out of bounds.
      const moves = Array.from({ length: 60 }, (_, n) => {
        const out = n % 2 === 1;
        const date = out ? "2026-11-22" : "2001-01-01";
        const row = { ...entry, account, id: `ent_${n}`, revision: BigInt(n), amount: out ? -most : most };
        return { kind: "entry", row: { ...row, effective_date: date, balance_after: out ? 0n : most } } as const;
      });
      for (const size of [1, 7, 60]) {
        const own = await open();
        try {
          await migrateModels(own.db);
          await insertRows(own.db, accounts, "", [{ ...accountRowIn(history), id: account }]);
          for (let from = 0; from < moves.length; from += size) {
            const upTo = Math.min(from + size, moves.length);
            await modelsTarget(own.db).apply(0, from - 1, upTo - 1, moves.slice(from, upTo));
          }
          const totals = await selectRows(own.reader, "SELECT date, billions, units FROM daily_totals ORDER BY date");
          expect(totals.map((row) => ({ ...row }))).toEqual([
            { date: "2001-01-01", billions: 29_999_999_970n, units: 29_999_999_970n },
            { date: "2026-11-22", billions: -29_999_999_970n, units: -29_999_999_970n },
          ]);
        } finally {
          await own.dispose();
        }
      }
    });

    test("an owner's payments are listed once each, for the payer's owner and the payee's", async () => {
      const owners = new Map(
        history.flatMap(({ fact }) =>
          fact.type === "AccountOpened" ? [[fact.account.id, fact.account.owner] as const] : [],
        ),
      );
      const payments = history.flatMap(modelsProjection.project).flatMap((c) => (c.kind === "payment" ? [c.row] : []));
      const expected = new Set(
        payments.flatMap(({ id, payer, payee, tenant }) =>
          [payer, payee].map((side) => `${tenant} ${owners.get(rebrand("acct", side))} ${id}`),
        ),
      );
      const rows = await selectRows(store.reader, "SELECT tenant, owner, id FROM owner_payments");
      expect(rows.map(({ tenant, owner, id }) => `${tenant} ${owner} ${id}`).sort()).toEqual([...expected].sort());
    });

    test("models of the first release are emptied, to be built anew", async () => {
      const old = await open();
      try {
        await migrateModels(old.db);
        await modelsTarget(old.db).apply(0, NO_REVISION, history.length - 1, history.flatMap(modelsProjection.project));
        const fresh = await modelRows(old.db);
        await old.db.raw("DROP TABLE owner_payments");
        await old.db.raw("DROP TABLE daily_totals");
        await old.db.raw("CREATE TABLE daily_totals (account varchar(40), date char(10), total bigint)");
        await old.db.raw("DELETE FROM model_migrations WHERE name LIKE '0002%'");
        await migrateModels(old.db);
        expect(await modelsTarget(old.db).checkpoint(0)).toBe(NO_REVISION);
        await modelsTarget(old.db).apply(0, NO_REVISION, history.length - 1, history.flatMap(modelsProjection.project));
        expect(await modelRows(old.db)).toEqual(fresh);
      } finally {
        await old.dispose();
      }
    });

    test("a rebuild equals the live models row for row; a row changed by hand is found and mended", async () => {
      const { log } = await openTestLog();
      await appendAll(log, history);
      const options = { log, shards: [0], logger: quiet };
      const before = await modelRows(store.db);
      const models = modelsStore(store);
      const clean = await rebuild(modelsProjection, models, options);
      expect(clean).toMatchObject({
        version: 2,
        events: history.length,
        comparison: { differing: 0, differences: [] },
      });
      expect(await modelRows(store.db)).toEqual(before);

      const [id] = (await selectRows<{ id: string }>(store.db, "SELECT id FROM accounts_v2 ORDER BY id")).map(
        (r) => r.id,
      );
      await store.db.raw("UPDATE accounts_v2 SET posted = posted + 1 WHERE id = ?", [id ?? ""]);
      await store.db.raw("DELETE FROM daily_totals_v2 WHERE account = ?", [id ?? ""]);
      const { comparison } = await rebuild(modelsProjection, models, options);
      expect(comparison.differences.find(({ table }) => table === "accounts")).toMatchObject({
        key: id,
        live: { posted: `${postedOf(before, id) + 1n}` },
        rebuilt: { posted: `${postedOf(before, id)}` },
      });
      expect(comparison.differences.filter(({ table, live }) => table === "daily_totals" && live === null)).not.toEqual(
        [],
      );
      expect(await modelRows(store.db)).toEqual(before);
    });

    test("a rebuild that is given up or fails leaves the live build and nothing beside it", async () => {
      const { log } = await openTestLog();
      await appendAll(log, history);
      const before = await modelRows(store.db);
      const abort = new AbortController();
      const given = rebuild(modelsProjection, modelsStore(store), {
        ...{ log, shards: [0], logger: quiet, signal: abort.signal },
        onProgress: () => abort.abort(),
      });
      await expect(given).rejects.toMatchObject({ name: "AbortError" });
      expect(await modelRows(store.db)).toEqual(before);
      expect(await servedBuild(store.db, "models")).toEqual({ version: 3, suffix: "_v3" });
      await expect(store.db.raw("SELECT 1 FROM accounts_v4")).rejects.toThrow();
    });

    test("the live projection goes on in the build that a rebuild has switched to", async () => {
      const { log } = await openTestLog();
      await appendAll(log, history);
      const abort = new AbortController();
      const run = runProjection({
        ...{ log, shard: 0, projection: modelsProjection, target: modelsTarget(store.db) },
        ...{ signal: abort.signal, logger: quiet },
        onProgress: (_, __, revision) => {
          if (revision === whole.length - 1) abort.abort();
        },
      });
      const models = modelsStore(store);
      const { version } = await rebuild(modelsProjection, models, { log, shards: [0], logger: quiet });
      await appendAll(log, whole.slice(history.length));
      await run.finished;
      const served = await servedBuild(store.db, "models");
      expect(served.version).toBe(version);
      const rows = await selectRows(store.db, `SELECT id FROM entries${served.suffix}`);
      expect(rows.length).toBe(whole.flatMap(entriesOf).length);
      const { comparison } = await rebuild(modelsProjection, models, { log, shards: [0], logger: quiet });
      expect(comparison).toMatchObject({ differing: 0 });
    });
  });
}

function accountRowIn(events: readonly LedgerEvent[]): AccountRow {
  const [row] = events.flatMap(modelsProjection.project).flatMap((c) => (c.kind === "account" ? [c.row] : []));
  assert(row, "the history opens an account");
  return row;
}

/** What the read models say of an account's balance. */
function postedOf(rows: Record<string, unknown[]>, id: string | undefined): bigint {
  for (const row of rows.accounts ?? []) {
    if (typeof row !== "object" || row === null || !("id" in row) || row.id !== id) continue;
    if ("posted" in row && typeof row.posted === "bigint") return row.posted;
  }
  throw new Error(`no account ${id}`);
}
