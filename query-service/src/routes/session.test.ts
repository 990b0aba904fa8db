import { accountBody, entriesOf, entryBody, type Session } from "ledger-core";
import { examples, sessionViewSuite } from "ledger-core/testing";
import { modelsProjection, modelsTarget } from "projection-workers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSession } from "../queries/session.ts";
import { openModels, type TestModels } from "../testing/models.ts";
import { serveQueries } from "../testing/served.ts";
import { tellStory } from "../testing/story.ts";

const { account, alice, consumer } = examples;
const story = tellStory();
let models: TestModels;

sessionViewSuite("read models", modelsProjection, async () => {
  const { reader, writer, close } = await openModels();
  const view = openSession(() => reader);
  const opened = { view, target: modelsTarget(writer) };
  return { ...opened, reopen: async () => opened, dispose: close };
});

beforeAll(async () => {
  models = await openModels();
  await models.project(story.events.slice(0, -1));
});
afterAll(() => models.close());

test("the caller's accounts and movements, at the position of the models", async () => {
  const queries = await serveQueries(models);
  const { status, body, headers } = await queries.get(consumer("alice"), "/v1/me/session");
  expect(status).toBe(200);
  const posted = account(1, "wallet", "alice", { posted: 4050n });
  const movements = story.events.flatMap(entriesOf).filter((entry) => entry.account === alice);
  expect(body).toEqual({
    owner: "alice",
    accounts: [posted, account(5, "wallet", "alice")].map(accountBody),
    moreAccounts: false,
    movements: movements.reverse().map(entryBody),
  });
  expect(headers["ledger-position"]).toBe(`0:${story.events.length - 2}`);
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

test("it waits for the models", async () => {
  const last = story.events.length - 1;
  const listeners = new Set<() => void>();
  const wake = (listener: () => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const queries = await serveQueries(models, { wake });
  const asked = { "ledger-position": `0:${last}` };
  const late = await queries.get(consumer("bob"), "/v1/me/session", { ...asked, "ledger-wait": "10" });
  expect([late.status, late.body.code]).toEqual([503, "position_not_reached"]);
  const wait = queries.get(consumer("bob"), "/v1/me/session", { ...asked, "ledger-wait": "10000" });
  await models.project(story.events.slice(-1));
  for (const listener of listeners) listener();
  const { status, headers, body } = await wait;
  expect([status, headers["ledger-position"]]).toEqual([200, `0:${last}`]);
  expect(body).toMatchObject({ accounts: [{ status: "frozen" }] });
});
