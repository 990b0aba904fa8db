import { payoutBody, refundBody, topUpBody, transferBody } from "ledger-core";
import { examples } from "ledger-core/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openModels, type TestModels } from "../testing/models.ts";
import { serveQueries, type TestQueries } from "../testing/served.ts";
import { tellStory } from "../testing/story.ts";

const { operator } = examples;
const story = tellStory();
let models: TestModels;
let queries: TestQueries;

beforeAll(async () => {
  models = await openModels();
  queries = await serveQueries(models);
  await models.project(story.events);
});
afterAll(() => models.close());

test.each([
  ["transfers", transferBody(story.transfer)],
  ["refunds", refundBody(story.refunded)],
  ["top-ups", topUpBody(story.topUp)],
  ["payouts", payoutBody(story.payout)],
])("/v1/%s: byte for byte what the command answered", async (path, body) => {
  const { status, text, headers } = await queries.get(operator, `/v1/${path}/${body.id}`);
  expect(status).toBe(200);
  expect(text).toBe(JSON.stringify(body));
  expect(headers["content-type"]).toBe("application/json; charset=utf-8");
  expect(headers["ledger-position"]).toBe(`0:${story.events.length - 1}`);
});

test("an object is found under its own route only", async () => {
  const { status, body } = await queries.get(operator, `/v1/payouts/${story.topUp.fact.topUp}`);
  expect([status, body.code]).toEqual([404, "payout_not_found"]);
  const rebranded = story.topUp.fact.topUp.replace("top_", "pyt_");
  expect((await queries.get(operator, `/v1/payouts/${rebranded}`)).body).toMatchObject({ code: "payout_not_found" });
});
