import { join } from "node:path";
import { type AccountId, type Balances, entriesOf, NO_REVISION } from "ledger-core";
import { examples } from "ledger-core/testing";
import { openSessionView } from "query-service";
import { expect, onTestFinished, test } from "vitest";
import { sessionView } from "../../adapters/sqlite/session-view.ts";
import { openViewStore } from "../../adapters/sqlite/view-store.ts";
import { randomHistory } from "../../testing/history.ts";
import { testFolder } from "../../testing/stores.ts";
import { sessionProjection } from "./projection.ts";

const history = randomHistory(11, 500);

test("a session shows the balances and status that the log comes to, and the last movements", async () => {
  const file = join(await testFolder(), "views.sqlite");
  const store = openViewStore(sessionView, { file });
  onTestFinished(() => store.close());
  const view = openSessionView({ file });
  onTestFinished(() => view.close());
  await store.apply(0, NO_REVISION, history.length - 1, history.flatMap(sessionProjection.project));

  const balances = new Map<AccountId, Balances>();
  const status = new Map<AccountId, string>();
  const owners = new Map<AccountId, string>();
  for (const { fact } of history) {
    if ("account" in fact && typeof fact.account === "object") {
      const { id, owner } = fact.account;
      owners.set(id, owner);
      status.set(id, fact.account.status);
    }
    if ("postings" in fact) {
      for (const { account, balance } of fact.postings) {
        balances.set(account, { posted: balance, held: balances.get(account)?.held ?? 0n });
      }
    }
    if ("hold" in fact) {
      const { account, held } = fact.hold;
      balances.set(account, { posted: balances.get(account)?.posted ?? 0n, held });
    }
  }
  for (const owner of new Set(owners.values())) {
    const { accounts, movements, positions } = await view.read(examples.TENANT, owner);
    expect(positions).toEqual([{ shard: 0, revision: history.length - 1 }]);
    expect(accounts.map(({ id }) => id)).toEqual(
      [...owners]
        .filter(([, of]) => of === owner)
        .map(([id]) => id)
        .sort(),
    );
    for (const account of accounts) {
      expect(account.balances).toEqual(balances.get(account.id) ?? { posted: 0n, held: 0n });
      expect(account.status).toBe(status.get(account.id));
    }
    const entries = history.flatMap(entriesOf).filter(({ account }) => owners.get(account) === owner);
    expect(movements).toEqual(entries.slice(-20).reverse());
  }
});
