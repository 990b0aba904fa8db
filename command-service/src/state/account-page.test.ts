import fc from "fast-check";
import { type AccountState, idBody, makeId } from "ledger-core";
import { expect, test } from "vitest";
import { HKD } from "../writer/writer.fixture.ts";
import { PageRooms } from "./account-block.ts";
import { AccountPage } from "./account-page.ts";

const limits = { floor: null, perTransaction: null, perDay: null };

function account(revision: number, more: Partial<AccountState> = {}): AccountState {
  const openedAt = 1_790_000_000_000_000 + revision;
  const id = makeId("acct", idBody(openedAt, { shard: 3, revision }, 99));
  const names = {
    tenant: "t",
    type: "wallet",
    owner: "o",
    displayName: null,
    timeZone: "UTC",
    status: "open",
  } as const;
  return {
    id,
    ...names,
    currency: HKD,
    limits,
    balances: { posted: 0n, held: 0n },
    day: null,
    spent: 0n,
    openedAt,
    ...more,
  };
}

test("an account is found by its revision, and no other, however the revisions lie", () => {
  const gaps = fc.array(fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 10_000_000 })), {
    minLength: 1,
    maxLength: 250,
  });
  fc.assert(
    fc.property(gaps, fc.integer({ min: 0, max: 1e9 }), fc.integer({ min: 1, max: 1e9 }), (steps, start, behind) => {
      const page = new AccountPage(0, new PageRooms(250).next());
      const revisions: number[] = [];
      let revision = start;
      for (const step of steps) {
        revisions.push(revision);
        page.open(account(revision), { revision, salt: 99, shard: 3 }, 0);
        revision += step;
      }
      const next = (revisions.at(-1) ?? 0) + behind;
      for (const [index, known] of revisions.entries()) {
        expect(page.indexOf(known, start, next)).toBe(index);
        if (!revisions.includes(known + 1)) expect(page.indexOf(known + 1, start, next)).toBe(-1);
      }
      expect(page.indexOf(start - 1, start, next)).toBe(-1);
    }),
    { numRuns: 60 },
  );
});

test("a written account is read back, from the page and from its bytes", () => {
  const amount = fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n });
  const limit = fc.option(amount);
  const day = fc.constantFrom(null, "2026-11-22", "1999-01-02");
  fc.assert(
    fc.property(
      amount,
      amount,
      amount,
      limit,
      limit,
      limit,
      day,
      (posted, held, spent, floor, perTransaction, perDay, on) => {
        const rooms = new PageRooms(4);
        rooms.next();
        const page = new AccountPage(7, rooms.next());
        const own = { floor, perTransaction, perDay };
        const state = account(12, { limits: own, balances: { posted, held }, spent, day: on as AccountState["day"] });
        page.open(account(11), { revision: 11, salt: 1, shard: 3 }, 5);
        page.open(state, { revision: 12, salt: 2 ** 30 - 1, shard: 1023 }, 6);
        const copy = { standing: page.standingBytes(2).slice(), profile: page.profileBytes(2).slice() };
        for (const read of [page, new AccountPage(7, rooms.next(), copy)]) {
          expect(read.count).toBe(2);
          expect([read.posted(1), read.held(1), read.spent(1)]).toEqual([posted, held, spent]);
          expect(read.day(1)).toBe(on);
          expect(read.limitsAt(1)).toEqual(own);
          expect([read.kind(1), read.revision(1), read.openedAt(1)]).toEqual([6, 12, state.openedAt]);
          expect([read.salt(1), read.shard(1)]).toEqual([2 ** 30 - 1, 1023]);
          expect(read.limitsAt(0)).toEqual(limits);
        }
      },
    ),
    { numRuns: 200 },
  );
});
