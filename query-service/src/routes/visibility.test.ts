import type { Caller, Role } from "ledger-core";
import { examples } from "ledger-core/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openModels, type TestModels } from "../testing/models.ts";
import { goldStub, serveQueries, type TestQueries } from "../testing/served.ts";
import { tellStory } from "../testing/story.ts";

// No one reads another tenant's or another holder's data. Role × route × owner.

const { accountId, alice, bank, bob, shop, TENANT } = examples;
const story = tellStory();
let models: TestModels;
let queries: TestQueries;

beforeAll(async () => {
  models = await openModels();
  queries = await serveQueries(models, { gold: goldStub() });
  await models.project(story.events);
});
afterAll(() => models.close());

/** Each object, which of alice, bob, sam and bank hold it, and the same path with an unused id. */
const objects = [
  { path: `/v1/accounts/${alice}`, none: `/v1/accounts/${accountId(99)}`, holders: ["alice"] },
  { path: `/v1/accounts/${bob}`, none: `/v1/accounts/${accountId(99)}`, holders: ["bob"] },
  { path: `/v1/accounts/${shop}/entries`, none: `/v1/accounts/${accountId(99)}/entries`, holders: ["sam"] },
  { path: `/v1/accounts/${bank}/balance`, none: `/v1/accounts/${accountId(99)}/balance`, holders: ["bank"] },
  {
    path: `/v1/accounts/${alice}/recommendations`,
    none: `/v1/accounts/${accountId(99)}/recommendations`,
    holders: ["alice"],
  },
  ...["daily-sales", "monthly-summary", "customers"].map((report) => ({
    path: `/v1/accounts/${shop}/reports/${report}`,
    none: `/v1/accounts/${accountId(99)}/reports/${report}`,
    holders: ["sam"],
  })),
  { path: `/v1/payments/${story.payment.fact.payment.id}`, none: "pay", holders: ["alice", "sam"] },
  { path: `/v1/payments/${story.hold.fact.payment.id}`, none: "pay", holders: ["bob", "sam"] },
  { path: `/v1/transfers/${story.transfer.fact.transfer}`, none: "txf", holders: ["alice", "bob", "bank"] },
  { path: `/v1/refunds/${story.refunded.fact.refund}`, none: "rfd", holders: ["alice", "sam"] },
  { path: `/v1/top-ups/${story.topUp.fact.topUp}`, none: "top", holders: ["alice"] },
  { path: `/v1/payouts/${story.payout.fact.payout}`, none: "pyt", holders: ["sam"] },
].map(({ path, none, holders }) => ({
  path,
  holders,
  none: none.startsWith("/") ? none : path.replace(/[^/]*$/, `${none}_${"0".repeat(26)}`),
}));

const whole: readonly Role[] = ["operator", "service", "auditor"];
const own: readonly Role[] = ["consumer", "merchant"];
const subs = ["alice", "bob", "sam", "bank", "nobody"];
const callers: Caller[] = [TENANT, "tenant-b"].flatMap((tenant) =>
  [...whole, ...own].flatMap((role) => subs.map((sub) => ({ tenant, role, sub }))),
);

function sees(caller: Caller, holders: readonly string[]): boolean {
  return caller.tenant === TENANT && (whole.includes(caller.role) || holders.includes(caller.sub));
}

/** The parts of an answer that could tell two absences apart. */
function told({ status, body, headers }: Awaited<ReturnType<TestQueries["get"]>>) {
  const { instance: _, ...rest } = body;
  const { date: __, "content-length": ___, ...others } = headers;
  return { status, rest, others };
}

describe.each(objects)("$path", ({ path, none, holders }) => {
  test("is seen by its holders and by those who see the whole tenant; for all others it does not exist", async () => {
    let seen = 0;
    for (const caller of callers) {
      const answer = await queries.get(caller, path);
      const who = `${caller.role} ${caller.sub} of ${caller.tenant}`;
      if (sees(caller, holders)) {
        expect(answer.status, who).toBe(200);
        seen++;
      } else {
        expect(answer.status, who).toBe(404);
        expect(told(answer), who).toEqual(told(await queries.get(caller, none)));
      }
    }
    expect(seen).toBe(whole.length * subs.length + own.length * holders.length);
  });
});

test("a list of accounts holds exactly those that its caller sees one by one, whatever the filter", async () => {
  const all = [alice, bob, shop, bank, accountId(5)];
  for (const caller of callers)
    for (const query of ["limit=200", ...subs.map((sub) => `owner=${sub}`), "type=wallet", "status=frozen"]) {
      const listed = (await queries.list(caller, `/v1/accounts?${query}`)).map(({ id }) => id);
      const readable: string[] = [];
      for (const id of all) if ((await queries.get(caller, `/v1/accounts/${id}`)).status === 200) readable.push(id);
      const others = listed.filter((id) => all.some((one) => one === id) && !readable.includes(String(id)));
      expect(others, `${caller.role} ${caller.sub} ${query}`).toEqual([]);
      if (query === "limit=200") expect(listed).toEqual(expect.arrayContaining(readable));
    }
});

test("a list of payments holds exactly those that its caller sees one by one, whatever account it names", async () => {
  const all = [story.hold.fact.payment.id, story.payment.fact.payment.id];
  for (const caller of callers) {
    const readable: string[] = [];
    for (const id of all) if ((await queries.get(caller, `/v1/payments/${id}`)).status === 200) readable.push(id);
    expect((await queries.list(caller, "/v1/payments")).map(({ id }) => id)).toEqual(readable);
    for (const account of [alice, bob, shop, bank, accountId(99)]) {
      const mayRead = (await queries.get(caller, `/v1/accounts/${account}`)).status === 200;
      const listed = await queries.list(caller, `/v1/payments?account=${account}`);
      const touching = listed.filter(({ payer, payee }) => payer === account || payee === account);
      expect(listed).toEqual(mayRead ? touching : []);
    }
  }
});

test("without a token there is nothing to see", async () => {
  for (const url of [...objects.map(({ path }) => path), "/v1/accounts", "/v1/payments", "/v1/me/session"]) {
    const response = await queries.app.inject({ method: "GET", url });
    expect(response.statusCode).toBe(401);
  }
});
