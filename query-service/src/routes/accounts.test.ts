import { examples, given } from "ledger-core/testing";
const { account, cast, consumer, operator, START } = examples;
import { afterAll, beforeAll, expect, test } from "vitest";
import { openModels, type TestModels } from "../testing/models.ts";
import { serveQueries, type TestQueries } from "../testing/served.ts";

let models: TestModels;
let queries: TestQueries;

beforeAll(async () => {
  models = await openModels();
  queries = await serveQueries(models);
  const ledger = given(...cast());
  await models.project(ledger.events);
});
afterAll(() => models.close());

test("smoke", async () => {
  const answer = await queries.get(operator, `/v1/accounts/${account(1, "wallet", "alice").id}`);
  console.log(answer);
  console.log(await queries.get(consumer("alice"), "/v1/accounts?limit=1"));
  console.log(JSON.stringify((await queries.get(operator, "/v1/payments?limit=1")), null, 1), START);
  expect(answer.status).toBe(200);
});
