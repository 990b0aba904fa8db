import { accountBody, entriesOf, entryBody, type Session, type SessionView } from "ledger-core";
import { examples } from "ledger-core/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openModels, type TestModels } from "../testing/models.ts";
import { serveQueries, sessionStub } from "../testing/served.ts";
import { tellStory } from "../testing/story.ts";

const { account, consumer } = examples;
const story = tellStory();
let models: TestModels;

beforeAll(async () => {
  models = await openModels();
});
afterAll(() => models.close());

test("the caller's accounts and movements, at the view's own position", async () => {
  const accounts = [account(1, "wallet", "alice", { posted: 4050n })];
  const movements = entriesOf(story.topUp);
  const asked: [string, string][] = [];
  const view = sessionStub({ accounts, movements }, { revision: 17 });
  const session: SessionView = {
    ...view,
    read(tenant, owner) {
      asked.push([tenant, owner]);
      return view.read(tenant, owner);
    },
  };
  const queries = await serveQueries(models, { session });
  const { status, body, headers } = await queries.get(consumer("alice"), "/v1/me/session");
  expect(status).toBe(200);
  expect(body).toEqual({
    owner: "alice",
    accounts: accounts.map(accountBody),
    moreAccounts: false,
    movements: movements.map(entryBody),
  });
  expect(headers["ledger-position"]).toBe("0:17");
  expect(asked).toEqual([[examples.TENANT, "alice"]]);
});

test("an owner without accounts has an empty session", async () => {
  const queries = await serveQueries(models);
  expect((await queries.get(consumer("nobody"), "/v1/me/session")).body).toEqual({
    owner: "nobody",
    accounts: [],
    moreAccounts: false,
    movements: [],
  } satisfies Omit<Session, "positions"> & { owner: string });
});

test("it waits for the view, not for the models", async () => {
  const at = { revision: 3 };
  const listeners = new Set<() => void>();
  const wake = (listener: () => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const queries = await serveQueries(models, { session: sessionStub(undefined, at), wake });
  const late = await queries.get(consumer("alice"), "/v1/me/session", {
    "ledger-position": "0:4",
    "ledger-wait": "10",
  });
  expect([late.status, late.body.code]).toEqual([503, "position_not_reached"]);
  const wait = queries.get(consumer("alice"), "/v1/me/session", { "ledger-position": "0:4", "ledger-wait": "10000" });
  at.revision = 5;
  for (const listener of listeners) listener();
  const { status, headers } = await wait;
  expect([status, headers["ledger-position"]]).toEqual([200, "0:5"]);
});
