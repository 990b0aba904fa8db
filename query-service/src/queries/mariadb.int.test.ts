import { assert, buildOf, type Caller, formatInstant, MILESTONE_SPAN, NO_REVISION, paymentStatuses } from "ledger-core";
import { connectMysql } from "ledger-core/sql";
import { examples, findMariadb, type Mariadb, startMariadb } from "ledger-core/testing";
import { makeSqlProjections, migrateModels } from "projection-workers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { queryLimits } from "../limits.ts";
import { createModelReader } from "../reading.ts";
import { createReplicaSet } from "../replicas.ts";
import { entriesFrom, paymentChange } from "../testing/history.ts";
import { modelsOn, openModels, type TestModels } from "../testing/models.ts";
import { serveQueries, type TestQueries } from "../testing/served.ts";
import { step, tellStory } from "../testing/story.ts";

const { alice, bob, consumer, merchant, operator, shop, START } = examples;
const source = await findMariadb();
const story = tellStory();
const HISTORY = 3 * queryLimits.scanMax;
/** As in production. SQLite has many runs here; views.test.ts covers many runs on MariaDB. */
const RUN_REVISIONS = 2 ** 24;
const after = story.events.length;

/** The story, then a long history of Alice and the shop. */
async function fill(models: TestModels): Promise<void> {
  await models.project(story.events);
  const long = entriesFrom(alice, after, HISTORY, (n) => ({
    at: step(60) + Math.floor(n / 9),
    reference: n % 100 === 0 ? "rent" : null,
    type: n === after + 5 ? "refund" : "transfer",
    amount: n % 7 === 0 ? 9007199254740993n : -1n,
  }));
  const payments = Array.from({ length: HISTORY }, (_, n) =>
    paymentChange(100_000 + n, { payer: n % 2 === 0 ? alice : bob, payee: shop }),
  ).flatMap(({ changes }) => changes);
  const extremes = Array.from({ length: 40 }, (_, n) => n).flatMap((n) =>
    entriesFrom(bob, after + HISTORY + n, 1, () => ({
      amount: n % 2 === 0 ? 999_999_999_999_999_999n : -999_999_999_999_999_999n,
      date: n % 2 === 0 ? "2001-01-01" : "2026-12-24",
      balance: 700n,
      at: step(61),
    })),
  );
  const milestones = [...long, ...payments].flatMap((change) => {
    const at = change.kind === "entry" ? change.row : undefined;
    if (!at || at.revision % MILESTONE_SPAN !== 0) return [];
    return [{ kind: "milestone", row: { shard: 0, span: at.revision / MILESTONE_SPAN, at: at.at } } as const];
  });
  const once = [...new Map(milestones.map((one) => [one.row.span, one])).values()];
  await models.apply([...long, ...extremes, ...payments, ...once]);
}

const entries = `/v1/accounts/${alice}/entries`;
const time = (n: number) => formatInstant(step(60) + n);
const payment = (n: number) => formatInstant(START + (100_000 + n) * 1000);
const urls: readonly [Caller, string][] = [
  [operator, `/v1/accounts/${bob}`],
  [operator, "/v1/accounts?limit=2"],
  [operator, "/v1/accounts?type=wallet&status=open&limit=1"],
  [operator, "/v1/accounts?status=open&order=asc&limit=1"],
  [consumer("alice"), "/v1/accounts?limit=1"],
  [operator, `${entries}?limit=3`],
  [operator, `${entries}?limit=3&order=asc`],
  [operator, `${entries}?limit=3&from=${time(50)}&to=${time(300)}`],
  [operator, `${entries}?limit=3&from=${time(50)}&to=${time(300)}&order=asc`],
  [operator, `${entries}?limit=3&reference=rent&from=${time(50)}`],
  [operator, `${entries}?reference=Rent`],
  [operator, `${entries}?type=refund`],
  [operator, `${entries}?limit=3&type=transfer&minAmount=9007199254740993&to=${time(500)}`],
  [operator, `/v1/accounts/${alice}/balance`],
  [operator, `/v1/accounts/${bob}/balance?at=${formatInstant(step(30))}`],
  [operator, `/v1/accounts/${bob}/balance?position=0:${story.hold.revision}`],
  [operator, `/v1/accounts/${bob}/balance?effectiveDate=2026-11-21`],
  [operator, `/v1/accounts/${bob}/balance?effectiveDate=2026-12-23`],
  [operator, `/v1/accounts/${bob}/balance?effectiveDate=2026-12-24`],
  [operator, `/v1/payments/${story.payment.fact.payment.id}`],
  [merchant("sam"), `/v1/payments/${story.payment.fact.payment.id}`],
  [operator, "/v1/payments?limit=3"],
  [operator, "/v1/payments?status=partially_refunded"],
  [operator, `/v1/payments?limit=3&from=${payment(500)}&to=${payment(900)}&status=captured`],
  [operator, `/v1/payments?limit=3&account=${shop}&to=${payment(700)}&order=asc`],
  [consumer("alice"), "/v1/payments?limit=3"],
  [merchant("sam"), `/v1/payments?limit=3&from=${payment(500)}`],
  [consumer("bob"), `/v1/transfers/${story.transfer.fact.transfer}`],
  [operator, `/v1/refunds/${story.refunded.fact.refund}`],
];

describe.skipIf(source.kind === "none")(source.kind === "none" ? source.reason : "MariaDB", () => {
  let mariadb: Mariadb;
  let maria: TestModels;
  let sqlite: TestModels;
  let onMaria: TestQueries;
  let onSqlite: TestQueries;

  beforeAll(async () => {
    mariadb = await startMariadb(source);
    const connection = await mariadb.createDatabase();
    const writer = connectMysql(connection);
    await migrateModels(writer);
    const reader = connectMysql({ ...connection, pool: { min: 1, max: 1 }, readOnly: true });
    maria = modelsOn(writer, reader, async () => undefined, RUN_REVISIONS);
    sqlite = await openModels();
    await fill(maria);
    await fill(sqlite);
    onMaria = await serveQueries(maria);
    onSqlite = await serveQueries(sqlite);
  });
  afterAll(async () => {
    await maria.close();
    await sqlite.close();
    await mariadb.stop();
  });

  /** Rows that the only connection has read so far, by any access method. */
  async function rowsRead(): Promise<number> {
    const [rows] = await maria.reader.raw("SHOW SESSION STATUS LIKE 'Handler\\_read\\_%'");
    const counts: readonly { Value: string }[] = rows;
    return counts.reduce((sum, { Value }) => sum + Number(Value), 0);
  }

  test.each(urls)("$role $1: the answer is SQLite's, byte for byte, on its next pages too", async (caller, url) => {
    let query = url;
    for (let page = 0; page < 3; page++) {
      const answer = await onMaria.get(caller, query);
      const { status, text, body, headers } = await onSqlite.get(caller, query);
      expect(status).toBe(200);
      expect([answer.status, answer.text]).toEqual([status, text]);
      expect(answer.headers["ledger-position"]).toBe(headers["ledger-position"]);
      if (typeof body.nextCursor !== "string") break;
      query = `${url}&cursor=${body.nextCursor}`;
    }
  });

  test.each(urls)(
    "$role $1: no more rows are read than a page needs, however long the history",
    async (caller, url) => {
      const limit = Number(/limit=(\d+)/.exec(url)?.[1] ?? 50);
      const scans =
        /type=(transfer|refund)|minAmount/.test(url) && url.includes("/entries") ? 2 * queryLimits.scanMax : 0;
      // A list of payments merges a walk per status, side and account, here four sides at most.
      const walks = url.startsWith("/v1/payments?")
        ? 4 * paymentStatuses.length
        : url.startsWith("/v1/accounts?")
          ? 21
          : 0;
      // A time is looked up among the rows of one run of revisions.
      const times = (url.match(/[?&](from|to|at|effectiveDate)=/g) ?? []).length * MILESTONE_SPAN;
      const first = await onMaria.get(caller, url);
      const cursor = typeof first.body.nextCursor === "string" ? `&cursor=${first.body.nextCursor}` : "";
      const before = await rowsRead();
      await onMaria.get(caller, url + cursor);
      // Some rows for checkpoints and policy, a row read again per merged walk, and those of one instant.
      expect((await rowsRead()) - before).toBeLessThan(40 + scans + times + 4 * walks + 12 * (limit + 1));
    },
  );

  test("a switched build is read at once, also by a reader that last saw one that was dropped since", async () => {
    const readers = [1, 2].map(() =>
      createModelReader(createReplicaSet([{ name: "maria", db: () => maria.reader }]), queryLimits, "models"),
    );
    const [ready, late] = readers.map(
      (reader) => () => reader.read([], async ({ suffix, runs }) => ({ suffix, runs })),
    );
    assert(ready && late, "there are two readers");
    const first = await ready();
    expect(first?.result.runs).toEqual([0]);
    expect(await ready()).toEqual(first);
    expect(await late()).toEqual(first);
    const models = makeSqlProjections(RUN_REVISIONS).find(({ name }) => name === "models");
    await models?.registered.open({ db: maria.writer, reader: maria.writer }).use(async (_, store) => {
      const live = await store.served();
      const next = buildOf(live.version + 1);
      await store.create(next);
      await store.target(next).apply(0, NO_REVISION, 3, []);
      await store.switchTo(live, next, async () => undefined);
      const switched = { result: { suffix: `${first?.result.suffix}_v${next.version}`, runs: [] } };
      expect(await ready()).toEqual({ ...switched, positions: [{ shard: 0, revision: 3 }] });
      await store.drop(live);
      for (const read of [ready, late])
        expect(await read()).toEqual({ ...switched, positions: [{ shard: 0, revision: 3 }] });
    });
    expect.assertions(6);
  });
});
