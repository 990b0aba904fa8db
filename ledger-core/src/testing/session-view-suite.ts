import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Entry } from "../domain/entries.ts";
import { assert } from "../domain/errors.ts";
import { type AccountId, entryId } from "../domain/ids.ts";
import { NO_REVISION } from "../domain/position.ts";
import { businessDate } from "../domain/time.ts";
import type { ProjectionTarget } from "../ports/projection.ts";
import {
  SESSION_ACCOUNTS_MAX,
  SESSION_MOVEMENTS_MAX,
  type SessionChange,
  type SessionView,
} from "../ports/session-view.ts";
import { account, accountId, alice, bob, HKD, SECOND_US, START, shop, TENANT } from "./examples.ts";
import { projectionTargetSuite } from "./projection-suite.ts";

/** A session view as queries read it, and the target that the projection writes it through. */
export type WrittenSessionView = { readonly view: SessionView; readonly target: ProjectionTarget<SessionChange> };

/** An empty session view under test. */
export type SessionViewUnderTest = WrittenSessionView & {
  reopen(): Promise<WrittenSessionView>;
  dispose(): Promise<void>;
};

const second = accountId(9);

/** Alice has two accounts, Bob one; the shop is another owner's. */
const accounts: readonly SessionChange[] = [
  { kind: "account", account: account(1, "wallet", "alice") },
  { kind: "account", account: account(9, "wallet", "alice") },
  { kind: "account", account: account(2, "wallet", "bob") },
  { kind: "account", account: account(3, "merchant", "sam", { perDay: 99n }) },
];

/** The nth movement, of an account that has `balance` after it. */
function movement(n: number, of: AccountId, balance = BigInt(n)): readonly SessionChange[] {
  const at = START + n * SECOND_US;
  const position = { shard: 0, revision: n };
  const entry: Entry = {
    id: entryId(at, position, 0),
    tenant: TENANT,
    account: of,
    amount: -9_007_199_254_740_993n,
    balanceAfter: balance,
    currency: HKD,
    type: "payment",
    bookedAt: at,
    effectiveDate: businessDate(at, "Asia/Hong_Kong"),
    counterparty: shop,
    reference: n % 2 === 0 ? null : `n${n}`,
    source: { kind: "payment", id: `pay_${n}` },
    position,
  };
  return [
    { kind: "balances", account: of, balances: { posted: balance } },
    { kind: "movement", entry },
  ];
}

function entriesIn(changes: readonly SessionChange[]): Entry[] {
  return changes.flatMap((change) => (change.kind === "movement" ? [change.entry] : []));
}

/** The contract of a session view; every adapter passes it: `sessionViewSuite("SQLite", open)`. */
export function sessionViewSuite(name: string, open: () => Promise<SessionViewUnderTest>): void {
  const events = [accounts, ...Array.from({ length: 30 }, (_, n) => movement(n + 1, n % 3 === 0 ? bob : alice))];
  projectionTargetSuite(
    `session view, ${name}`,
    { events, poison: { kind: "status", account: accountId(77), status: "frozen" } },
    async () => {
      const { view, target, reopen, dispose } = await open();
      let latest = view;
      return {
        target,
        contents: async () => [
          contentsOf(await latest.read(TENANT, "alice")),
          contentsOf(await latest.read(TENANT, "bob")),
        ],
        reopen: async () => {
          const again = await reopen();
          latest = again.view;
          return again.target;
        },
        dispose,
      };
    },
  );

  describe(`session view, ${name}`, () => {
    let current: SessionViewUnderTest | undefined;
    const opened = (): WrittenSessionView => {
      assert(current, "the view is opened before each test");
      return current;
    };
    beforeEach(async () => {
      current = await open();
    });
    afterEach(async () => {
      await current?.dispose();
    });
    async function given(...changes: readonly SessionChange[]): Promise<WrittenSessionView> {
      const { view, target } = opened();
      await target.apply(0, NO_REVISION, 0, [...accounts, ...changes]);
      return { view, target };
    }

    test("an owner without accounts has an empty session, at the position of the view", async () => {
      const nothing = await opened().view.read(TENANT, "alice");
      expect(nothing).toEqual({ accounts: [], moreAccounts: false, movements: [], positions: [] });
      const { view } = await given();
      expect(await view.read(TENANT, "nobody")).toMatchObject({ accounts: [], movements: [] });
      expect((await view.read(TENANT, "nobody")).positions).toEqual([{ shard: 0, revision: 0 }]);
      expect(await view.positions()).toEqual([{ shard: 0, revision: 0 }]);
    });

    test("accounts come back whole, an owner's alone", async () => {
      const { view } = await given();
      expect((await view.read(TENANT, "alice")).accounts).toEqual([
        account(9, "wallet", "alice"),
        account(1, "wallet", "alice"),
      ]);
      expect((await view.read(TENANT, "sam")).accounts).toEqual([account(3, "merchant", "sam", { perDay: 99n })]);
    });

    test("another tenant's owner of the same name sees nothing", async () => {
      const { view } = await given(...movement(1, alice));
      expect(await view.read("tenant-b", "alice")).toMatchObject({ accounts: [], movements: [] });
    });

    test("status and balances change each by itself, beyond what a number holds", async () => {
      const { view, target } = await given();
      await target.apply(0, 0, 1, [
        { kind: "balances", account: alice, balances: { posted: 9_007_199_254_740_993n } },
        { kind: "balances", account: alice, balances: { held: 5n } },
        { kind: "status", account: second, status: "frozen" },
      ]);
      const { accounts: after } = await view.read(TENANT, "alice");
      expect(after.map(({ status, balances }) => ({ status, balances }))).toEqual([
        { status: "frozen", balances: { posted: 0n, held: 0n } },
        { status: "open", balances: { posted: 9_007_199_254_740_993n, held: 5n } },
      ]);
    });

    test("accounts with the latest entry come first, then those without, the newest first", async () => {
      const { view, target } = await given(...movement(1, second), ...movement(2, alice));
      const shown = async () => (await view.read(TENANT, "alice")).accounts.map(({ id }) => id);
      expect(await shown()).toEqual([alice, second]);
      await target.apply(0, 0, 1, [
        ...movement(3, second),
        { kind: "account", account: account(10, "wallet", "alice") },
      ]);
      expect(await shown()).toEqual([second, alice, accountId(10)]);
    });

    test.each([49, 50, 51, 120])("of %i accounts at most 50 are shown, and whether there are more", async (count) => {
      const { view, target } = opened();
      const numbers = Array.from({ length: count }, (_, n) => 100 + n);
      let revision = -1;
      const apply = (changes: readonly SessionChange[]) => target.apply(0, revision, ++revision, changes);
      for (const n of numbers) {
        await apply([{ kind: "account", account: account(n, "wallet", "chain") }]);
        if (n % 3 === 0) await apply(movement(n, accountId(n)));
      }
      const active = numbers.filter((n) => n % 3 === 0).reverse();
      const idle = numbers.filter((n) => n % 3 !== 0).reverse();
      const session = await view.read(TENANT, "chain");
      const expected = [...active, ...idle].slice(0, SESSION_ACCOUNTS_MAX).map((n) => accountId(n));
      expect(session.accounts.map(({ id }) => id)).toEqual(expected);
      expect(session.moreAccounts).toBe(count > SESSION_ACCOUNTS_MAX);

      const [last] = idle.slice(-1);
      assert(last !== undefined, "one account never moved");
      await apply(movement(1000, accountId(last)));
      expect((await view.read(TENANT, "chain")).accounts[0]?.id).toBe(accountId(last));
    });

    test("movements of all of an owner's accounts come back whole and newest first", async () => {
      const changes = [...movement(1, alice), ...movement(2, second), ...movement(3, bob), ...movement(4, alice)];
      const { view } = await given(...changes);
      const [first, other, bobs, last] = entriesIn(changes);
      expect((await view.read(TENANT, "alice")).movements).toEqual([last, other, first]);
      expect((await view.read(TENANT, "bob")).movements).toEqual([bobs]);
    });

    test.each([1, 7, 19, 20, 21, 64])("only the last 20 movements are kept, written %i at a time", async (size) => {
      const { view, target } = await given();
      const changes = Array.from({ length: 64 }, (_, n) => movement(n + 1, n % 2 === 0 ? alice : second));
      for (let from = 0; from < changes.length; from += size) {
        const upTo = Math.min(from + size, changes.length);
        await target.apply(0, from, upTo, changes.slice(from, upTo).flat());
      }
      const { movements } = await view.read(TENANT, "alice");
      expect(movements).toEqual(entriesIn(changes.slice(-SESSION_MOVEMENTS_MAX).flat()).reverse());
    });

    test("a movement of an account that was never opened is refused", async () => {
      const { target } = await given();
      const [, stray] = movement(1, accountId(77));
      assert(stray, "a movement has two changes");
      await expect(target.apply(0, 0, 1, [stray])).rejects.toMatchObject({ code: "poison_event" });
    });
  });
}

function contentsOf({ accounts: all, moreAccounts, movements }: Awaited<ReturnType<SessionView["read"]>>) {
  return { accounts: all, moreAccounts, movements };
}
