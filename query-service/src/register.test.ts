import { compileCheck } from "ledger-core/http";
import { examples } from "ledger-core/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openModels, type TestModels } from "./testing/models.ts";
import { goldStub, graphStub, serveQueries, type TestQueries } from "./testing/served.ts";
import { tellStory } from "./testing/story.ts";

const { alice, operator, shop } = examples;
const story = tellStory();
let models: TestModels;
let queries: TestQueries;
let reference: { paths: Record<string, { get?: Operation }> };

type Operation = {
  readonly summary: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly { name: string; in: string; description?: string }[];
  readonly responses: Readonly<
    Record<string, { description: string; content: Readonly<Record<string, { schema: object }>> }>
  >;
};

beforeAll(async () => {
  models = await openModels();
  queries = await serveQueries(models, {
    graph: graphStub([{ merchant: shop, score: 2, events: [story.captured.id] }]),
    gold: goldStub(),
  });
  await models.project(story.events);
  reference = (await queries.app.inject("/openapi.json")).json();
});
afterAll(() => models.close());

/** An object for each path. */
const objects: Readonly<Record<string, string>> = {
  accounts: alice,
  payments: story.payment.fact.payment.id,
  transfers: story.transfer.fact.transfer,
  refunds: story.refunded.fact.refund,
  "top-ups": story.topUp.fact.topUp,
  payouts: story.payout.fact.payout,
};

const list = ["cursor", "limit", "order"];
const routes: readonly [string, readonly string[]][] = [
  ["/v1/accounts/{id}", []],
  ["/v1/accounts", ["owner", "type", "status", ...list]],
  ["/v1/accounts/{id}/entries", ["from", "to", "type", "minAmount", "maxAmount", "reference", ...list]],
  ["/v1/accounts/{id}/balance", ["at", "position", "effectiveDate"]],
  ["/v1/payments/{id}", []],
  ["/v1/payments", ["account", "status", "from", "to", ...list]],
  ["/v1/transfers/{id}", []],
  ["/v1/refunds/{id}", []],
  ["/v1/top-ups/{id}", []],
  ["/v1/payouts/{id}", []],
  ["/v1/me/session", []],
  ["/v1/accounts/{id}/recommendations", ["limit"]],
  ["/v1/accounts/{id}/reports/daily-sales", ["from", "to", ...list]],
  ["/v1/accounts/{id}/reports/monthly-summary", ["from", "to", ...list]],
  ["/v1/accounts/{id}/reports/customers", ["from", "to", ...list]],
];

test("the reference holds every query of the API and no other", () => {
  const served = Object.entries(reference.paths).filter(([, path]) => path.get);
  expect(served.map(([path]) => path).sort()).toEqual(routes.map(([path]) => path).sort());
});

describe.each(routes)("%s", (path, query) => {
  const operation = () => {
    const found = reference.paths[path]?.get;
    if (!found) throw new Error(`${path} is not in the reference`);
    return found;
  };

  test("names its parameters, each with its meaning", () => {
    const { parameters = [] } = operation();
    const named = (place: string) => parameters.filter((one) => one.in === place).map(({ name }) => name);
    expect(named("query").sort()).toEqual([...query].sort());
    expect(named("header").sort()).toEqual(["ledger-position", "ledger-wait"]);
    expect(named("path")).toEqual(path.includes("{id}") ? ["id"] : []);
    for (const { name, description } of parameters) expect(description, name).toMatch(/\w/);
  });

  test("shows the shape of its answers", async () => {
    const schema = operation().responses["200"]?.content["application/json"]?.schema;
    if (!schema) throw new Error(`${path} shows no answer`);
    const { status, body } = await queries.get(operator, path.replace("{id}", objects[path.split("/")[2] ?? ""] ?? ""));
    expect(status).toBe(200);
    const check = compileCheck(schema);
    expect(check(body)).toBeUndefined();
    expect(check({ ...body, more: 1 })).toBeDefined();
    expect(body.data).not.toEqual([]);
  });

  test("names every status of its answers", () => {
    const { responses, summary, description, tags } = operation();
    const ids = path.includes("{id}") ? ["404"] : [];
    expect(Object.keys(responses).sort()).toEqual(
      ["200", "400", "401", "403", "408", "429", "431", "503", ...ids].sort(),
    );
    for (const [status, { content, description }] of Object.entries(responses)) {
      expect(description).toMatch(/\w/);
      const answer = path.includes("/reports/") ? ["application/json", "text/csv"] : ["application/json"];
      expect(Object.keys(content)).toEqual(status === "200" ? answer : ["application/problem+json"]);
    }
    expect([summary, description, ...tags].every((text) => /\w/.test(text))).toBe(true);
  });
});
