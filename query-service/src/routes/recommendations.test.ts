import { type PaymentGraph, rebrand } from "ledger-core";
import { examples } from "ledger-core/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openModels, type TestModels } from "../testing/models.ts";
import { graphStub, serveQueries } from "../testing/served.ts";
import { tellStory } from "../testing/story.ts";

const { accountId, alice, bob, consumer, operator } = examples;
const story = tellStory();
const url = `/v1/accounts/${alice}/recommendations`;
const recommendations = Array.from({ length: 60 }, (_, n) => ({
  merchant: accountId(100 + n),
  score: 60 - n,
  events: [rebrand("evt", accountId(n))],
}));
const graphAlone = { source: "graph", modelVersion: null, position: "0:8" };
const answers = recommendations.map((recommendation) => ({ ...recommendation, ...graphAlone }));
let models: TestModels;

beforeAll(async () => {
  models = await openModels();
  await models.project(story.events);
});
afterAll(() => models.close());

test("merchants with score and evidence, up to the limit, at the graph's own position", async () => {
  const queries = await serveQueries(models, { graph: graphStub(recommendations, { revision: 8 }) });
  const { status, body, headers } = await queries.get(consumer("alice"), `${url}?limit=2`);
  expect(status).toBe(200);
  expect(body).toEqual({ data: answers.slice(0, 2) });
  expect(headers["ledger-position"]).toBe("0:8");
  expect((await queries.get(consumer("alice"), url)).body).toEqual({ data: answers.slice(0, 50) });
});

test("the graph is not asked about an account that the caller may not see", async () => {
  let asked = 0;
  const graph: PaymentGraph = {
    ...graphStub(),
    recommend: () => {
      asked++;
      return graphStub().recommend("", alice, 1);
    },
  };
  const queries = await serveQueries(models, { graph });
  for (const id of [bob, accountId(99), "acct_1", "g.V().drop()"]) {
    const { status, body } = await queries.get(consumer("alice"), `/v1/accounts/${id}/recommendations`);
    expect([status, body.code]).toEqual([404, "account_not_found"]);
  }
  expect(asked).toBe(0);
  expect((await queries.get(operator, url)).status).toBe(200);
  expect(asked).toBe(1);
});

test("it waits for the graph as well as for the models", async () => {
  const queries = await serveQueries(models, { graph: graphStub([], { revision: 2 }) });
  const { status, body } = await queries.get(operator, url, { "ledger-position": "0:3", "ledger-wait": "10" });
  expect([status, body.code]).toEqual([503, "position_not_reached"]);
  expect((await queries.get(operator, url, { "ledger-position": "0:2", "ledger-wait": "10" })).status).toBe(200);
});
