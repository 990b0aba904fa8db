import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { type AccountId, type AccountState, accountOf, idBody, makeId } from "ledger-core";
import { expect, test } from "vitest";
import { HKD } from "../writer/writer.fixture.ts";
import { AccountStore } from "./account-store.ts";
import { type StateTables, stateFileOn } from "./state-file.ts";

const PER_PAGE = 3;

function open({ pages, layout }: StateTables, cached: number): AccountStore {
  return new AccountStore({ pages, layout, cached, namesCached: 2 });
}

function newAccount(nth: number, revision: number): AccountState {
  const openedAt = 1_790_000_000_000_000 + revision;
  return {
    id: makeId("acct", idBody(openedAt, { shard: 3, revision }, nth)),
    ...{ tenant: "t", type: "wallet", owner: `owner ${nth}`, displayName: nth % 2 ? `name ${nth}` : null },
    ...{ currency: HKD, timeZone: "UTC", status: "open", openedAt },
    limits: { floor: BigInt(-nth), perTransaction: null, perDay: 5n },
    balances: { posted: 0n, held: 0n },
    ...{ day: null, spent: 0n },
  };
}

type Step =
  | { readonly do: "open"; readonly gap: number }
  | { readonly do: "move"; readonly which: number; readonly posted: bigint; readonly undo: boolean }
  | { readonly do: "look"; readonly which: number }
  | { readonly do: "flush" };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("open" as const), gap: fc.constantFrom(1, 2, 50, 1_000_000) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("move" as const),
      which: fc.nat(),
      posted: fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }),
      undo: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("look" as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.constant({ do: "flush" as const }) },
);

/** All fields of an account. */
const told = (account: AccountState) => ({ ...accountOf(account), day: account.day, spent: account.spent });

test("every account is as it was left, however few pages are in memory, and one in hand keeps its own", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 60, size: "max" }), (steps) => {
      const file = stateFileOn(new DatabaseSync(":memory:"), {
        accountsPerPage: PER_PAGE,
        pagesPerChunk: 2,
        valuesPerPage: 1,
      });
      const store = open(file, 2 * PER_PAGE);
      const model = new Map<AccountId, AccountState>();
      let revision = 0;
      const flush = () => {
        file.begin();
        for (const _ of store.write());
        file.commit({ revision, event: null, at: 0, epoch: 0 });
        store.settle();
      };
      for (const what of steps) {
        const ids = [...model.keys()];
        if (what.do === "flush") flush();
        else if (what.do === "open") {
          revision += what.gap;
          const account = newAccount(model.size, revision);
          store.put(account);
          model.set(account.id, account);
        } else if (ids.length > 0) {
          const id = ids[what.which % ids.length] ?? ("" as AccountId);
          const [found, before] = [store.find(id), model.get(id)];
          if (!found || !before) throw new Error(`account ${id} is gone`);
          if (what.do === "look") {
            // Looks at every other account, which drops pages that are on disk; the account in hand must keep its own
            // values.
            for (const [other, known] of model) expect(told(store.find(other) as AccountState)).toEqual(told(known));
            expect(told(found)).toEqual(told(before));
            continue;
          }
          const after = { ...before, balances: { posted: what.posted, held: 7n } };
          const undo = store.undoOf(found);
          store.move(found, after);
          if (what.undo) undo();
          else model.set(id, after);
        }
      }
      flush();
      const reopened = open(file, 0);
      for (const [id, known] of model) expect(told(reopened.find(id) as AccountState)).toEqual(told(known));
      expect(reopened.find(newAccount(0, revision + 1).id)).toBeUndefined();
    }),
    { numRuns: 150 },
  );
});

test("accounts on several pages that are all taken back leave the next one where it is looked for, on disk too", () => {
  const file = stateFileOn(new DatabaseSync(":memory:"), {
    accountsPerPage: PER_PAGE,
    pagesPerChunk: 2,
    valuesPerPage: 1,
  });
  const store = open(file, 2 * PER_PAGE);
  store.put(newAccount(1, 1));
  const undos = Array.from({ length: 3 * PER_PAGE }, (_, nth) => store.put(newAccount(nth, 10 + nth)));
  for (const undo of undos.reverse()) undo();
  const later = Array.from({ length: 3 * PER_PAGE }, (_, nth) => newAccount(nth, 10 + 2 * nth));
  for (const account of later) {
    store.put(account);
    expect(store.find(account.id)?.id).toBe(account.id);
  }
  file.begin();
  for (const _ of store.write());
  file.commit({ revision: 100, event: null, at: 0, epoch: 0 });
  const again = open(file, 2 * PER_PAGE);
  expect(later.map(({ id }) => again.find(id)?.id)).toEqual(later.map(({ id }) => id));
});
