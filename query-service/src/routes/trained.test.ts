import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openGoldTables } from "analytics-export/gold";
import { names, testKey, type WrittenRow, writeGold } from "analytics-export/testing";
import {
  type AccountId,
  type GoldQuery,
  type GoldTables,
  LedgerError,
  type PaymentGraph,
  type Recommendation,
  readId,
  rebrand,
} from "ledger-core";
import { examples, given } from "ledger-core/testing";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { merged } from "../queries/trained.ts";
import { openModels, type TestModels } from "../testing/models.ts";
import { graphStub, serveQueries, type TestQueries } from "../testing/served.ts";

// Recommendations of a trained model: which are served, from where, and what a refund takes back.

const { account, accountId, alice, bank, bob, consumer, opened, operator, pay, refund, shop, TENANT } = examples;
const [tea, own, closed] = [accountId(5), accountId(6), accountId(7)];
const url = `/v1/accounts/${alice}/recommendations`;

let models: TestModels;
let folder: string;
let gold: GoldTables;
let graph: PaymentGraph;
/** One waits for a trained model as long as it takes, and one hardly. */
let patient: TestQueries;
let hasty: TestQueries;
beforeAll(async () => {
  const stores = {
    gold: {
      rows: (query: GoldQuery) => gold.rows(query),
      pseudonymOf: (id: AccountId) => gold.pseudonymOf(id),
      close: async () => undefined,
    },
    graph: {
      ...graphStub(),
      recommend: (...asked: Parameters<PaymentGraph["recommend"]>) => graph.recommend(...asked),
      paidAmong: (...asked: Parameters<PaymentGraph["paidAmong"]>) => graph.paidAmong(...asked),
    },
  };
  const reader = () => models.reader;
  patient = await serveQueries({ reader }, { ...stores, limits: { trainedMs: 10_000 } });
  hasty = await serveQueries({ reader }, { ...stores, limits: { trainedMs: 1 } });
});
beforeEach(async () => {
  models = await openModels();
  folder = await mkdtemp(join(tmpdir(), "payledger-trained-"));
  gold = openGoldTables({ folder, ...testKey });
});
afterEach(async () => {
  await models.close();
  await rm(folder, { recursive: true });
});

/** Alice has paid the shop, and Bob the shop, a tea house twice, a merchant of Alice's and one that is closed. */
function tell() {
  const ledger = given(
    opened(account(1, "wallet", "alice")),
    opened(account(2, "wallet", "bob")),
    opened(account(3, "merchant", "sam")),
    opened(account(4, "bank", "bank")),
    opened(account(5, "merchant", "tea")),
    opened(account(6, "merchant", "alice")),
    opened(account(7, "merchant", "gone")),
  );
  ledger
    .when(
      examples.transfer([
        [bank, alice, 900n],
        [bank, bob, 900n],
      ]),
    )
    .thenAccepted("TransferPosted");
  const paid = (payer: AccountId, payee: AccountId) => {
    return ledger.when(pay(100n, { payer, payee })).thenAccepted("PaymentCharged").fact.payment.id;
  };
  const payments = {
    mine: paid(alice, shop),
    ...{ shop: paid(bob, shop), tea: paid(bob, tea), again: paid(bob, tea), own: paid(bob, own) },
    closed: paid(bob, closed),
  };
  ledger.when(examples.freeze(closed), operator).thenAccepted("AccountFrozen");
  return { ledger, payments };
}

const at = (payment: string) => `0:${readId(payment).revision}`;
const event = (payment: string) => rebrand("evt", payment);

/** Rows of the promoted model for Alice, best first: a merchant and the payments that it rests on. */
async function train(rows: readonly (readonly [AccountId, readonly string[]])[]): Promise<void> {
  await writeGold(
    folder,
    "recommendations",
    rows.map(
      ([merchant, events], n): WrittenRow => ({
        ...{ tenant: names.of("tenant", TENANT), payer: names.of("account", alice) },
        ...{ merchant: names.of("account", merchant), rank: BigInt(n + 1), score: 1 / (n + 2) },
        ...{ model_version: "als-7", events: events.join(",") },
      }),
    ),
  );
  await writeGold(folder, "recommendation_models", [{ model_version: "als-7", positions: "0:12" }]);
}

async function ask(ofGraph: readonly Recommendation[] = [], queries = patient, paid: readonly AccountId[] = []) {
  graph = graphStub(ofGraph, { revision: 14 }, paid);
  const { status, body } = await queries.get(consumer("alice"), url);
  expect(status).toBe(200);
  return body.data;
}

test("a trained recommendation names its model, position and evidence; a refund takes it back", async () => {
  const { ledger, payments } = tell();
  await models.project(ledger.events);
  await train([[tea, [payments.tea, payments.again, payments.mine].map(at)]]);
  const answer = { merchant: tea, score: 0.5, source: "model", modelVersion: "als-7", position: "0:12" };
  expect(await ask()).toEqual([{ ...answer, events: [payments.tea, payments.again, payments.mine].map(event) }]);

  const before = ledger.events.length;
  ledger.when(refund(payments.tea, 40n)).thenAccepted("PaymentRefunded");
  ledger.when(refund(payments.again, 100n)).thenAccepted("PaymentRefunded");
  await models.project(ledger.events.slice(before));
  expect(await ask()).toEqual([{ ...answer, events: [payments.tea, payments.mine].map(event) }]);

  const partly = ledger.events.length;
  ledger.when(refund(payments.tea, 60n)).thenAccepted("PaymentRefunded");
  await models.project(ledger.events.slice(partly));
  expect(await ask()).toEqual([]);
});

test("what graph and model both recommend comes first, each says where it is from", async () => {
  const { ledger, payments } = tell();
  await models.project(ledger.events);
  await train([
    [shop, [at(payments.shop)]],
    [tea, [at(payments.tea)]],
  ]);
  const cited = event(payments.again);
  const ofGraph = [
    { merchant: accountId(9), score: 4, events: [cited] },
    { merchant: tea, score: 2, events: [cited] },
  ];
  expect(await ask(ofGraph)).toEqual([
    {
      ...{ merchant: tea, score: 1 / 3, events: [event(payments.tea), cited] },
      ...{ source: "both", modelVersion: "als-7", position: "0:12" },
    },
    { ...ofGraph[0], source: "graph", modelVersion: null, position: "0:14" },
    {
      ...{ merchant: shop, score: 0.5, events: [event(payments.shop)] },
      ...{ source: "model", modelVersion: "als-7", position: "0:12" },
    },
  ]);
});

test("a merchant that the account has paid since the model was trained is not recommended", async () => {
  const { ledger, payments } = tell();
  await models.project(ledger.events);
  await train([
    [tea, [at(payments.tea)]],
    [shop, [at(payments.shop)]],
  ]);
  expect(await ask([], patient, [shop])).toMatchObject([{ merchant: tea, source: "model" }]);
  expect(await ask([], patient, [tea, shop])).toEqual([]);
});

test("those that both name come first, the others take turns, and scores descend within each source", () => {
  const position = "0:14";
  const one = (n: number, score: number) => ({ merchant: accountId(n), score, events: [] });
  const ofModel = (n: number, score: number) => ({ ...one(n, score), modelVersion: "als-7", position: "0:12" });
  const found = merged(
    { recommendations: [one(11, 9), one(21, 8), one(12, 7), one(22, 3), one(13, 1)], position },
    [ofModel(31, 0.9), ofModel(22, 0.8), ofModel(21, 0.4), ofModel(32, 0.6)],
    6,
  );
  expect(found.map(({ merchant, source, score }) => [merchant, source, score])).toEqual([
    [accountId(22), "both", 0.8],
    [accountId(21), "both", 0.4],
    [accountId(11), "graph", 9],
    [accountId(31), "model", 0.9],
    [accountId(12), "graph", 7],
    [accountId(32), "model", 0.6],
  ]);
});

test.each<[string, (payments: ReturnType<typeof tell>["payments"]) => readonly [AccountId, readonly string[]]]>([
  ["the account's own merchant", ({ own: payment }) => [own, [at(payment)]]],
  ["a merchant that is not open", ({ closed: payment }) => [closed, [at(payment)]]],
  ["one that rests on the account's own payments alone", ({ mine }) => [shop, [at(mine)]]],
  ["one whose payments are to another merchant", ({ shop: payment }) => [tea, [at(payment)]]],
  ["one whose payments are not in this ledger", () => [tea, ["0:4000000", "7:1"]]],
  ["one of an event that is no payment", () => [tea, ["0:0"]]],
  ["one without payments", () => [tea, []]],
  ["one of texts that are no positions", () => [tea, ["x", "0:-1", "0:1e3", "'; DROP TABLE payments", ""]]],
])("%s is not recommended", async (_, row) => {
  const { ledger, payments } = tell();
  await models.project(ledger.events);
  await train([row(payments)]);
  expect(await ask()).toEqual([]);
});

test("as many as asked for, of many rows with many payments", async () => {
  const { ledger, payments } = tell();
  await models.project(ledger.events);
  const many = Array.from({ length: 500 }, (_, n): readonly [AccountId, readonly string[]] => {
    return [n === 3 ? tea : accountId(1000 + n), Array.from({ length: 50 }, () => at(payments.tea))];
  });
  await train(many);
  expect(await ask()).toMatchObject([{ merchant: tea, events: [event(payments.tea)] }]);
});

const failing = (rows: GoldTables["rows"]): GoldTables => ({
  ...{ rows, pseudonymOf: async () => "", close: async () => undefined },
});

test.each<[string, GoldTables, "hasty"?]>([
  ["away", failing(() => Promise.reject(new LedgerError("store_unavailable", "away")))],
  ["damaged", failing(() => Promise.reject(new LedgerError("store_damaged", "damaged")))],
  ["silent", failing(() => new Promise(() => undefined)), "hasty"],
  ["not made yet", failing(async () => undefined)],
  ["of another form", failing(async () => [{ model_version: null, events: null }])],
])("while the tables are %s, the graph answers alone", async (_, tables, limit) => {
  await models.project(tell().ledger.events);
  gold = tables;
  const ofGraph = [{ merchant: tea, score: 2, events: [event(accountId(8))] }];
  const answer = [{ ...ofGraph[0], source: "graph", modelVersion: null, position: "0:14" }];
  expect(await ask(ofGraph, limit === "hasty" ? hasty : patient)).toEqual(answer);
});
