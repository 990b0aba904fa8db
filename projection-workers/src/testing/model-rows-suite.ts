import { assert, entriesOf, type LedgerEvent, NO_REVISION, postingsOf, readId } from "ledger-core";
import {
  dayOf,
  entryTypeCodes,
  insertRows,
  layoutSuffix,
  numberOfId,
  paymentStatusCodes,
  saltOf,
  selectRows,
} from "ledger-core/sql";
import { randomHistory } from "ledger-core/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkpoints } from "../adapters/sql/model.ts";
import { migrateModels } from "../projections/list.ts";
import { makeReadModels, modelsTarget } from "../projections/models/model.ts";
import { type ModelChange, modelsProjection, type NewAccount } from "../projections/models/projection.ts";
import { accounts, entries } from "../projections/models/tables.ts";
import type { ModelStore } from "./models-suite.ts";

const history = randomHistory(1, 400);
/** So short that the history spans several. */
const RUN = 64;
const model = makeReadModels(RUN);

/** The rows that the read models must have on any database. */
export function modelRowsSuite(name: string, open: () => Promise<ModelStore>): void {
  describe(`rows of the read models, ${name}`, () => {
    let store: ModelStore;
    beforeAll(async () => {
      store = await open();
      await migrateModels(store.db);
      const changes = history.flatMap(modelsProjection.project);
      await modelsTarget(store.db, model).apply(0, NO_REVISION, history.length - 1, changes);
    });
    afterAll(() => store.dispose());
    const t = (name: string) => name + layoutSuffix(store.db);

    test("entries are the postings of the log, in the types that both databases share", async () => {
      const rows = await selectRows(store.reader, `SELECT * FROM ${t("entries")} ORDER BY run, revision, idx`);
      const expected = history.flatMap((event) => entriesOf(event).map((entry) => ({ event, entry })));
      expect(rows.map((row) => ({ ...row }))).toEqual(
        expected.map(({ event, entry }) => ({
          run: BigInt(event.revision - (event.revision % RUN)),
          account: BigInt(numberOfId(entry.account)),
          revision: BigInt(event.revision),
          idx: readId(entry.id).salt,
          at: BigInt(entry.bookedAt),
          amount: entry.amount,
          balance: entry.balanceAfter,
          day: dayOf(entry.effectiveDate),
          type: entryTypeCodes.codeOf(entry.type),
          counterparty: BigInt(numberOfId(entry.counterparty)),
          salt: saltOf(event.id),
          source: event.fact.type === "PaymentCaptured" ? BigInt(numberOfId(entry.source.id)) : null,
          reference: entry.reference,
        })),
      );
      expect(new Set(rows.map(({ run }) => run)).size).toBeGreaterThan(2);
    });

    test("runs are those that hold entries, and references those of the entries", async () => {
      const runs = await selectRows(store.reader, `SELECT DISTINCT 0 AS shard, run FROM ${t("entries")} ORDER BY run`);
      const noted = await selectRows(store.reader, `SELECT * FROM ${t("entry_runs")} ORDER BY shard, run`);
      expect(noted.map(({ run }) => run)).toEqual(runs.map(({ run }) => run));
      const columns = "run, account, reference, revision, idx";
      const referring = await selectRows(
        store.reader,
        `SELECT ${columns} FROM ${t("entries")} WHERE reference IS NOT NULL ORDER BY ${columns}`,
      );
      const references = await selectRows(store.reader, `SELECT * FROM ${t("entry_references")} ORDER BY ${columns}`);
      expect(referring.length).toBeGreaterThan(20);
      expect(references.map((row) => ({ ...row }))).toEqual(referring.map((row) => ({ ...row })));
    });

    test("balances are the last that the events say, and daily totals sum to them", async () => {
      const last = new Map(
        history.flatMap(({ fact }) => postingsOf(fact)).map((p) => [BigInt(numberOfId(p.account)), p.balance]),
      );
      const rows = await selectRows<{ number: bigint; posted: bigint | null; total: bigint | null }>(
        store.reader,
        `SELECT a.number, (
          SELECT e.balance FROM ${t("entries")} e WHERE e.account = a.number
            ORDER BY e.run DESC, e.revision DESC, e.idx DESC LIMIT 1
        ) AS posted, (
          SELECT SUM(d.billions) * 1000000000 + SUM(d.units) FROM ${t("daily_totals")} d WHERE d.account = a.number
        ) AS total FROM ${t("accounts")} a`,
      );
      expect(rows.length).toBeGreaterThan(8);
      for (const { number, posted, total } of rows) {
        expect({ number, posted }).toEqual({ number, posted: last.get(number) ?? null });
        expect({ number, total }).toEqual({ number, total: posted });
      }
    });

    test("amounts of 18 digits, text of any script and NULL come back as they were written", async () => {
      const written = {
        ...{ number: 1023n * 2n ** 40n + 5n, salt: 2 ** 30 - 1, type: 6, status: 2, currency: "HKD", time_zone: "UTC" },
        ...{ tenant: "t", owner: "Ω𝄞 ' \" \\ ; --", display_name: "商店 🏪", metadata: '{"a":"\\u0000"}' },
        ...{ floor: -999_999_999_999_999_999n, per_transaction: 999_999_999_999_999_999n, per_day: null },
        ...{ opened_at: 1_795_249_800_000_000n },
      };
      await insertRows(store.db, accounts, layoutSuffix(store.db), [written]);
      const rows = await selectRows(store.reader, `SELECT * FROM ${t("accounts")} WHERE number = ?`, [written.number]);
      expect(rows.map((read) => ({ ...read }))).toEqual([written]);
      await store.db.raw(`DELETE FROM ${t("accounts")} WHERE number = ${written.number}`);
    });

    test("a key that is there already is a poison event, not a replacement", async () => {
      const [first] = history.flatMap(modelsProjection.project);
      const again = modelsTarget(store.db, model).apply(0, history.length - 1, history.length, first ? [first] : []);
      await expect(again).rejects.toMatchObject({ code: "poison_event" });
    });

    test.each(["entry", "hold"] as const)(
      "an account of an %s that was never opened is a poison event",
      async (kind) => {
        const place = { account: 999_999, revision: history.length };
        const [entry, hold] = [changesIn(history, "entry"), changesIn(history, "hold")];
        const strays: Record<typeof kind, ModelChange> = {
          entry: { ...entry, row: { ...entry.row, ...place } },
          hold: { ...hold, row: { ...hold.row, ...place } },
        };
        const applied = modelsTarget(store.db, model).apply(0, history.length - 1, history.length, [strays[kind]]);
        await expect(applied).rejects.toMatchObject({ code: "poison_event" });
        expect(await modelsTarget(store.db, model).checkpoint(0)).toBe(history.length - 1);
      },
    );

    test("an account that a target wrote to is looked for again after the store was set back", async () => {
      const { row } = changesIn(history, "entry");
      const opened = accountIn(history);
      const entryAt = (revision: number) =>
        [{ kind: "entry", row: { ...row, account: opened.number, revision } }] as const;
      const own = await open();
      try {
        await migrateModels(own.db);
        const target = modelsTarget(own.db, model);
        await target.apply(0, NO_REVISION, 0, [{ kind: "account", row: opened }]);
        await target.apply(0, 0, 1, entryAt(1));
        await target.apply(0, 1, 2, entryAt(2));
        const layout = layoutSuffix(own.db);
        await own.db.raw(`DELETE FROM ${accounts.name}${layout}`);
        await own.db.raw(`DELETE FROM ${entries.name}${layout}`);
        await own.db.raw(`UPDATE ${checkpoints.name} SET revision = 0`);
        await expect(target.apply(0, 2, 3, entryAt(3))).rejects.toMatchObject({ code: "revision_gap" });
        await expect(target.apply(0, 0, 1, entryAt(1))).rejects.toMatchObject({ code: "poison_event" });
      } finally {
        await own.dispose();
      }
    });

    test("daily totals past 2^63 are exact, in whatever batches they were written", async () => {
      const { row: entry } = changesIn(history, "entry");
      const account = accountIn(history);
      const most = 999_999_999_999_999_999n;
      // In under an earlier date and out under today's, so that no balance is ever out of bounds.
      const moves = Array.from({ length: 60 }, (_, n) => {
        const out = n % 2 === 1;
        const row = { ...entry, account: account.number, revision: n, amount: out ? -most : most };
        return {
          kind: "entry",
          row: { ...row, day: out ? 20_261_122 : 20_010_101, balance: out ? 0n : most },
        } as const;
      });
      for (const size of [1, 7, 60]) {
        const own = await open();
        try {
          await migrateModels(own.db);
          await insertRows(own.db, accounts, layoutSuffix(own.db), [account]);
          for (let from = 0; from < moves.length; from += size) {
            const upTo = Math.min(from + size, moves.length);
            await modelsTarget(own.db, model).apply(0, from - 1, upTo - 1, moves.slice(from, upTo));
          }
          const totals = await selectRows(
            own.reader,
            `SELECT day, billions, units FROM ${t("daily_totals")} ORDER BY day`,
          );
          expect(totals.map((row) => ({ ...row }))).toEqual([
            { day: 20_010_101, billions: 29_999_999_970n, units: 29_999_999_970n },
            { day: 20_261_122, billions: -29_999_999_970n, units: -29_999_999_970n },
          ]);
        } finally {
          await own.dispose();
        }
      }
    });

    test("a payment has a state unless captured as it was made, and is listed under both of its accounts", async () => {
      const made = history.flatMap(({ fact }) =>
        fact.type === "PaymentCharged" || fact.type === "PaymentAuthorized" ? [fact] : [],
      );
      const last = new Map(
        history
          .flatMap(({ fact }) => ("payment" in fact && typeof fact.payment !== "string" ? [fact.payment] : []))
          .map((payment) => [payment.id, payment]),
      );
      const rows = await selectRows(store.reader, `SELECT number FROM ${t("payments")} ORDER BY number`);
      expect(rows.map(({ number }) => number)).toEqual(made.map(({ payment }) => BigInt(numberOfId(payment.id))));
      const changed = [...last.values()].filter(({ capture, status }) => capture === "manual" || status !== "captured");
      const states = await selectRows(
        store.reader,
        `SELECT number, status, captured, refunded FROM ${t("payment_states")}`,
      );
      expect(states.map((row) => ({ ...row })).sort(byNumber)).toEqual(
        changed
          .map(({ id, status, captured, refunded }) => ({
            ...{ number: BigInt(numberOfId(id)), status: paymentStatusCodes.codeOf(status), captured, refunded },
          }))
          .sort(byNumber),
      );
      const sides = made
        .filter(({ type }) => type === "PaymentAuthorized")
        .flatMap(({ payment: { id, payer, payee } }) =>
          [payer, payee].map((side) => `${numberOfId(side)} ${numberOfId(id)}`),
        );
      const listed = await selectRows(store.reader, `SELECT account, number FROM ${t("authorizations")}`);
      expect(listed.map(({ account, number }) => `${account} ${number}`).sort()).toEqual(sides.sort());
    });
  });
}

type ChangeOf<Kind extends ModelChange["kind"]> = Extract<ModelChange, { readonly kind: Kind }>;

/** The first change of a kind. */
function changesIn<Kind extends ModelChange["kind"]>(events: readonly LedgerEvent[], kind: Kind): ChangeOf<Kind> {
  const isOfKind = (change: ModelChange): change is ChangeOf<Kind> => change.kind === kind;
  const first = events.flatMap(modelsProjection.project).find(isOfKind);
  assert(first, `the history holds an ${kind}`);
  return first;
}

/** The first account of a history. */
export function accountIn(events: readonly LedgerEvent[]): NewAccount {
  return changesIn(events, "account").row;
}

function byNumber(one: { readonly number?: unknown }, other: { readonly number?: unknown }): number {
  return Number(one.number) - Number(other.number);
}
