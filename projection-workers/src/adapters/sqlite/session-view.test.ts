import { join } from "node:path";
import { NO_REVISION, type SessionChange } from "ledger-core";
import { examples, projectionStoreSuite, sessionViewSuite, type TargetSamples } from "ledger-core/testing";
import { openSessionView } from "query-service";
import { expect, test } from "vitest";
import { sessionProjection } from "../../projections/session/projection.ts";
import { randomHistory } from "../../testing/history.ts";
import { testFolder } from "../../testing/stores.ts";
import { sessionView } from "./session-view.ts";
import { openViewStore } from "./view-store.ts";

const samples: TargetSamples<SessionChange> = {
  events: randomHistory(3, 60).map((event) => sessionProjection.project(event)),
  poison: { kind: "status", account: examples.accountId(777), status: "frozen" },
};

projectionStoreSuite("session view, file", samples, async () => {
  const file = join(await testFolder(), "views.sqlite");
  let store = openViewStore(sessionView, { file });
  return {
    store,
    reopen: async () => {
      await store.close();
      store = openViewStore(sessionView, { file });
      return store;
    },
    dispose: () => store.close(),
  };
});

sessionViewSuite("file", async () => {
  const file = join(await testFolder(), "views.sqlite");
  const openBoth = () => ({ target: openViewStore(sessionView, { file }), view: openSessionView({ file }) });
  let both = openBoth();
  const close = async () => {
    await both.view.close();
    await both.target.close();
  };
  return {
    ...both,
    reopen: async () => {
      await close();
      both = openBoth();
      return both;
    },
    dispose: close,
  };
});

test("a reader opens no file that is not there", async () => {
  const file = join(await testFolder(), "views.sqlite");
  expect(() => openSessionView({ file })).toThrow(expect.objectContaining({ code: "store_unavailable" }));
});

test("a reader follows a switch", async () => {
  const file = join(await testFolder(), "views.sqlite");
  const store = openViewStore(sessionView, { file });
  const view = openSessionView({ file });
  await store.apply(0, NO_REVISION, 9, samples.events.slice(0, 10).flat());
  const next = { version: 2, suffix: "_v2" };
  await store.create(next);
  await store.switchTo(next, (inside) => inside.apply(0, NO_REVISION, 3, samples.events.slice(0, 4).flat()));
  expect(await view.positions()).toEqual([{ shard: 0, revision: 3 }]);
  await view.close();
  await store.close();
});
