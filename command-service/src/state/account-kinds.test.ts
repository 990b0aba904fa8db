import { DatabaseSync } from "node:sqlite";
import { type AccountState, idBody, makeId } from "ledger-core";
import { expect, test } from "vitest";
import { HKD } from "../writer/writer.fixture.ts";
import { AccountStore } from "./account-store.ts";
import { pageKinds } from "./pages.ts";
import { stateFileOn } from "./state-file.ts";

function accountIn(timeZone: string, revision: number): AccountState {
  return {
    id: makeId("acct", idBody(1_790_000_000_000_000, { shard: 0, revision }, 1)),
    ...{ tenant: "t", type: "clearing", owner: "rail:fps", displayName: null, timeZone, status: "open" },
    ...{ currency: HKD, openedAt: 1_790_000_000_000_000, day: null, spent: 0n },
    limits: { floor: null, perTransaction: null, perDay: null },
    balances: { posted: 0n, held: 0n },
  };
}

test("kinds and clearing accounts are forgotten when they are rolled back, in memory and on disk", () => {
  const db = new DatabaseSync(":memory:");
  const { pages, layout, ...file } = stateFileOn(db, { valuesPerPage: 1 });
  const store = new AccountStore({ pages, layout, cached: 1000, namesCached: 2 });
  store.put(accountIn("UTC", 1));
  const undos = Array.from({ length: 50 }, (_, n) => store.put(accountIn(`Zone/${n}`, 10 + n)));
  const kept = store.find(accountIn("UTC", 1).id) as AccountState;
  undos.push(store.put({ ...kept, status: "frozen" }));
  for (const undo of undos.reverse()) undo();
  store.put(accountIn("Europe/Prague", 100));
  file.begin();
  for (const _ of store.write());
  file.commit({ revision: 100, event: null, at: 0, epoch: 0 });
  for (const kind of ["kinds", "clearing"] as const) {
    const first = pageKinds[kind] * 2 ** 40;
    const stored = db.prepare("SELECT count(*) AS n FROM pages WHERE place BETWEEN ? AND ?").get(first, first + 1000);
    expect(stored?.n, kind).toBe(2);
  }
  const again = new AccountStore({ pages, layout, cached: 1000, namesCached: 2 });
  expect(again.find(accountIn("", 100).id)?.timeZone).toBe("Europe/Prague");
  expect(again.find(accountIn("", 1).id)?.status).toBe("open");
  expect(again.clearingAccounts().map(({ timeZone }) => timeZone)).toEqual(["UTC", "Europe/Prague"]);
});
