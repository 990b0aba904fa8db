import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Account } from "../domain/account.ts";
import { type Entry, entriesOf } from "../domain/entries.ts";
import { assert } from "../domain/errors.ts";
import type { LedgerEvent } from "../domain/events.ts";
import type { AccountId } from "../domain/ids.ts";
import type { Amount } from "../domain/money.ts";
import type { Projection, ProjectionTarget } from "../ports/projection.ts";
import { SESSION_ACCOUNTS_MAX, SESSION_MOVEMENTS_MAX, type Session, type SessionView } from "../ports/session-view.ts";
import * as examples from "./examples.ts";
import { type GivenLedger, given } from "./given.ts";
import { projectionTargetSuite } from "./projection-suite.ts";

const { account, accountId, alice, bank, bob, freeze, opened: asOpened, SECOND_US, shop, START, TENANT } = examples;

/** A session view as queries read it, and the target through which the projection writes it. */
export type WrittenSessionView<Change> = {
  readonly view: Pick<SessionView, "read" | "positions">;
  readonly target: ProjectionTarget<Change>;
};

/** An empty session view under test. */
export type SessionViewUnderTest<Change> = WrittenSessionView<Change> & {
  reopen(): Promise<WrittenSessionView<Change>>;
  dispose(): Promise<void>;
};

const second = accountId(9);
const MUCH = 9_007_199_254_740_993n;

/** Alice has two accounts, Bob one; the shop and the bank belong to other owners. */
const accounts: readonly Account[] = [
  account(1, "wallet", "alice"),
  account(9, "wallet", "alice"),
  account(2, "wallet", "bob"),
  account(3, "merchant", "sam", { perDay: 99n }),
  account(4, "bank", "bank"),
];

function start(): GivenLedger {
  return given(...accounts.map(asOpened));
}

/** The bank pays an account, one second after the previous payment; some have references. */
function move(ledger: GivenLedger, to: AccountId, amount: Amount = 5n): LedgerEvent {
  const n = ledger.events.length;
  const reference = n % 2 === 0 ? null : `n${n}`;
  return ledger
    .at(START + n * SECOND_US)
    .when(examples.transfer([[bank, to, amount]], { reference }))
    .thenAccepted("TransferPosted");
}

/** The newest entries of these accounts, newest first. */
function newest(events: readonly LedgerEvent[], ...of: readonly AccountId[]): readonly Entry[] {
  const entries = events.flatMap(entriesOf).filter((entry) => of.includes(entry.account));
  return entries.slice(-SESSION_MOVEMENTS_MAX).reverse();
}

/**
 * The contract of a session view, whichever projection it reads; every adapter passes it: `sessionViewSuite("Redis",
 * sessionProjection, open)`.
 */
export function sessionViewSuite<Change>(
  name: string,
  { project }: Projection<Change>,
  open: () => Promise<SessionViewUnderTest<Change>>,
): void {
  const [poison] = project(strange());
  assert(poison, "freezing an account is a change");
  const samples = { events: story().map(project), poison };
  projectionTargetSuite(`session view, ${name}`, samples, async () => {
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
  });

  describe(`session view, ${name}`, () => {
    let current: SessionViewUnderTest<Change> | undefined;
    beforeEach(async () => {
      current = await open();
    });
    afterEach(async () => {
      await current?.dispose();
    });
    const opened = (): WrittenSessionView<Change> => {
      assert(current, "the view is opened before each test");
      return current;
    };
    /** Applies a ledger's new events since the last call. */
    async function apply({ events }: GivenLedger): Promise<WrittenSessionView<Change>> {
      const { target, view } = opened();
      const at = await target.checkpoint(0);
      await target.apply(0, at, events.length - 1, events.slice(at + 1).flatMap(project));
      return { target, view };
    }

    test("an owner without accounts has an empty session, at the position of the view", async () => {
      const nothing = await opened().view.read(TENANT, "alice");
      expect(nothing).toEqual({ accounts: [], moreAccounts: false, movements: [], positions: [] });
      const { view } = await apply(start());
      expect(await view.read(TENANT, "nobody")).toMatchObject({ accounts: [], movements: [] });
      expect((await view.read(TENANT, "nobody")).positions).toEqual([{ shard: 0, revision: 4 }]);
      expect(await view.positions()).toEqual([{ shard: 0, revision: 4 }]);
    });

    test("accounts come back whole, and only the owner's", async () => {
      const { view } = await apply(start());
      const [first, other, , shops] = accounts;
      expect((await view.read(TENANT, "alice")).accounts).toEqual([other, first]);
      expect((await view.read(TENANT, "sam")).accounts).toEqual([shops]);
    });

    test("another tenant's owner of the same name sees nothing", async () => {
      const ledger = start();
      move(ledger, alice);
      const { view } = await apply(ledger);
      expect(await view.read("tenant-b", "alice")).toMatchObject({ accounts: [], movements: [] });
    });

    test("status and balances change independently, even beyond a double's range", async () => {
      const ledger = start();
      move(ledger, alice, MUCH);
      await apply(ledger);
      ledger.when(examples.authorize(5n)).thenAccepted("PaymentAuthorized");
      ledger.when(freeze(second)).thenAccepted("AccountFrozen");
      const { view } = await apply(ledger);
      const { accounts: after } = await view.read(TENANT, "alice");
      expect(after.map(({ status, balances }) => ({ status, balances }))).toEqual([
        { status: "open", balances: { posted: MUCH, held: 5n } },
        { status: "frozen", balances: { posted: 0n, held: 0n } },
      ]);
    });

    test("accounts with the latest entry come first, then those without entries, newest first", async () => {
      const ledger = given(...accounts.map(asOpened), asOpened(account(10, "wallet", "alice")));
      const shown = async () => (await opened().view.read(TENANT, "alice")).accounts.map(({ id }) => id);
      move(ledger, second);
      move(ledger, alice);
      await apply(ledger);
      expect(await shown()).toEqual([alice, second, accountId(10)]);
      move(ledger, second);
      await apply(ledger);
      expect(await shown()).toEqual([second, alice, accountId(10)]);
    });

    test("among the entries of one event, the last is the latest", async () => {
      const ledger = start();
      const legs = [second, alice, second, alice].map((to) => [bank, to, 1n] as const);
      ledger.when(examples.transfer(legs)).thenAccepted("TransferPosted");
      const { view } = await apply(ledger);
      const { accounts: after, movements } = await view.read(TENANT, "alice");
      expect(after.map(({ id }) => id)).toEqual([alice, second]);
      expect(movements).toEqual(newest(ledger.events, alice, second));
    });

    test.each([49, 50, 51, 120])("of %i accounts at most 50 are shown, and whether there are more", async (count) => {
      const numbers = Array.from({ length: count }, (_, n) => 100 + n);
      const chain = numbers.map((n) => asOpened(account(n, "wallet", "chain")));
      const ledger = given(...accounts.map(asOpened), ...chain);
      const moving = numbers.filter((n) => n % 3 === 0);
      for (const n of moving) move(ledger, accountId(n));
      await apply(ledger);
      const idle = numbers.filter((n) => n % 3 !== 0).reverse();
      const { view } = opened();
      const session = await view.read(TENANT, "chain");
      const expected = [...moving.toReversed(), ...idle].slice(0, SESSION_ACCOUNTS_MAX).map((n) => accountId(n));
      expect(session.accounts.map(({ id }) => id)).toEqual(expected);
      expect(session.moreAccounts).toBe(count > SESSION_ACCOUNTS_MAX);

      const [last] = idle.slice(-1);
      assert(last !== undefined, "one account never moved");
      move(ledger, accountId(last));
      await apply(ledger);
      const { accounts: shown, movements } = await view.read(TENANT, "chain");
      expect(shown[0]?.id).toBe(accountId(last));
      expect(movements).toEqual(newest(ledger.events, ...numbers.map((n) => accountId(n))));
    });

    test("movements of all of an owner's accounts come back whole and newest first", async () => {
      const ledger = start();
      for (const to of [alice, second, bob, alice]) move(ledger, to);
      const { fact } = ledger.when(examples.authorize(4n)).thenAccepted("PaymentAuthorized");
      ledger.when(examples.capture(fact.payment.id, 3n)).thenAccepted("PaymentCaptured");
      ledger.when(examples.refund(fact.payment.id, 1n)).thenAccepted("PaymentRefunded");
      ledger.when(examples.topUp(9n, { externalId: "FPS-7" })).thenAccepted("TopUpSettled");
      const { view } = await apply(ledger);
      expect((await view.read(TENANT, "alice")).movements).toEqual(newest(ledger.events, alice, second));
      expect((await view.read(TENANT, "bob")).movements).toEqual(newest(ledger.events, bob));
      expect((await view.read(TENANT, "sam")).movements).toEqual(newest(ledger.events, shop));
    });

    test.each([1, 7, 19, 20, 21, 64])("only the last 20 movements are kept, written %i at a time", async (size) => {
      const ledger = start();
      for (let n = 0; n < 64; n++) {
        move(ledger, n % 2 === 0 ? alice : second);
        if (n % size === size - 1) await apply(ledger);
      }
      await apply(ledger);
      const { movements } = await opened().view.read(TENANT, "alice");
      expect(movements).toHaveLength(SESSION_MOVEMENTS_MAX);
      expect(movements).toEqual(newest(ledger.events, alice, second));
    });

    test("a movement of an account that was never opened is refused", async () => {
      await apply(start());
      const stray = given(...accounts.map(asOpened), asOpened(account(77, "wallet", "zoe")));
      const event = move(stray, accountId(77));
      await expect(opened().target.apply(0, 4, 5, project(event))).rejects.toMatchObject({ code: "poison_event" });
    });
  });
}

/** More than twenty events, each of which changes Alice's or Bob's view. */
function story(): readonly LedgerEvent[] {
  const ledger = start();
  for (let n = 0; n < 30; n++) move(ledger, n % 3 === 0 ? bob : alice);
  return ledger.events;
}

/** A change of an account that no view has. */
function strange(): LedgerEvent {
  const ledger = given(asOpened(account(77, "wallet", "zoe")));
  return ledger.when(freeze(accountId(77))).thenAccepted("AccountFrozen");
}

function contentsOf({ accounts: all, moreAccounts, movements }: Session) {
  return { accounts: all, moreAccounts, movements };
}
