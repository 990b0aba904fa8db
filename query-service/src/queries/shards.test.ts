import { formatInstant, type LedgerEvent, NO_REVISION, type Shard } from "ledger-core";
import { examples, shardHistory } from "ledger-core/testing";
import { makeReadModels, modelsProjection, modelsTarget } from "projection-workers";
import { expect, onTestFinished, test } from "vitest";
import { openModels } from "../testing/models.ts";
import { allPages, type Rows, serveQueries, type TestQueries } from "../testing/served.ts";

// Compares two shards in one store with each of them in its own store: lists are the merge by id, and queries of one
// account are as if there were no other shard.

const { operator, consumer } = examples;
const zero = shardHistory(0, 31, 200);
const one = shardHistory(1, 32, 260);

async function served(histories: readonly (readonly LedgerEvent[])[]): Promise<TestQueries> {
  const models = await openModels();
  onTestFinished(() => models.close());
  const target = modelsTarget(models.writer, makeReadModels(50));
  for (const events of histories) {
    const shard: Shard = events[0]?.shard ?? 0;
    await target.apply(shard, NO_REVISION, events.length - 1, events.flatMap(modelsProjection.project));
  }
  return serveQueries(models, { shards: 2 });
}

const byKey = (rows: Rows, order: "asc" | "desc") =>
  rows.toSorted((a, b) => {
    const [before, after] = [String(a.id).slice(-26), String(b.id).slice(-26)];
    return (before < after ? -1 : 1) * (order === "asc" ? 1 : -1);
  });

test("lists of both shards are the merge of each shard's, page by page, in both orders and within times", async () => {
  const [both, ...each] = [await served([zero, one]), await served([zero]), await served([one])];
  const moment = formatInstant(zero[60]?.at ?? 0);
  const lists = [
    [operator, "/v1/accounts?"],
    [operator, "/v1/accounts?owner=owner-1&"],
    [operator, "/v1/payments?"],
    [operator, `/v1/payments?from=${moment}&`],
    [operator, `/v1/payments?to=${moment}&`],
    [operator, "/v1/payments?status=refunded&"],
    [consumer("owner-1"), "/v1/payments?"],
    [consumer("owner-1"), "/v1/accounts?"],
  ] as const;
  for (const [caller, url] of lists)
    for (const order of ["asc", "desc"] as const)
      for (const limit of [3, 200]) {
        const path = `${url}order=${order}&limit=${limit}`;
        const rows = (await allPages(both, caller, path)).flat();
        const apart = await Promise.all(each.map(async (queries) => (await allPages(queries, caller, path)).flat()));
        expect(apart.map(({ length }) => length > 0)).toEqual([true, true]);
        expect(rows, path).toEqual(byKey(apart.flat(), order));
      }
});

test("an account's entries, balances and payments are those of its own shard", async () => {
  const both = await served([zero, one]);
  for (const events of [zero, one]) {
    const alone = await served([events]);
    const accounts = (await allPages(alone, operator, "/v1/accounts?limit=200")).flat();
    const last = events.at(-1);
    for (const { id } of accounts)
      for (const path of [
        `/v1/accounts/${id}`,
        `/v1/accounts/${id}/entries?limit=200`,
        `/v1/accounts/${id}/entries?limit=9&order=asc&from=2026-11-22T10:00:00Z`,
        `/v1/accounts/${id}/entries?limit=5&reference=ref-1`,
        `/v1/accounts/${id}/balance`,
        `/v1/accounts/${id}/balance?position=${last?.shard}:70`,
        `/v1/accounts/${id}/balance?effectiveDate=2026-11-22`,
        `/v1/payments?account=${id}&limit=50`,
      ]) {
        const [answer, expected] = [await both.get(operator, path), await alone.get(operator, path)];
        expect(expected.status, path).toBe(200);
        expect(withoutCursor(answer.body), path).toEqual(withoutCursor(expected.body));
      }
  }
});

/** A cursor holds the positions of every shard. */
function withoutCursor({ nextCursor, ...body }: Readonly<Record<string, unknown>>) {
  return { ...body, goesOn: typeof nextCursor === "string" };
}
