import type { Knex } from "knex";
import { tables } from "ledger-core";
import { selectRows } from "ledger-core/sql";
import { openSession } from "query-service";
import type { Auditor } from "../auditor/auditor.ts";
import { textOf } from "../auditor/requests.ts";
import { applyUpTo, openModels, type SimulatedStores } from "./stores.ts";
import { ACCOUNTS_MAX, byLatestEntry, makeRecommender } from "./view-questions.ts";

const RECOMMENDATIONS_MAX = 200;
const { checkpoints: _, modelVersions: __, ...modelTables } = tables;

/** Compares the projections with a rebuild from zero and with the auditor's books; returns the differences. */
export async function compareStores(stores: SimulatedStores, auditor: Auditor): Promise<string[]> {
  const rebuilt = await openModels();
  try {
    const { events } = auditor;
    for (const projected of stores.sqlProjections(rebuilt)) await applyUpTo(projected, events, events.length - 1);
    const expected = await rowsOf(rebuilt);
    return [
      ...different("live models and a rebuild", await rowsOf(stores.models), expected),
      ...different("replica and a rebuild", await rowsOf(stores.replica), expected),
      ...different("the view of balances and the books", await balancesOf(stores.models), bookedBalances(auditor)),
      ...different("the view of entries and the books", await entriesOf(stores.models), bookedEntries(auditor)),
      ...different("the view of payments and the books", await paymentsOf(stores.models), bookedPayments(auditor)),
      ...different("sessions and the books", await sessionsOf(stores, auditor), bookedSessions(auditor)),
      ...different("recommendations and the books", await graphOf(stores, auditor), bookedGraph(auditor)),
    ];
  } finally {
    await rebuilt.destroy();
  }
}

function different(what: string, actual: readonly string[], expected: readonly string[]): string[] {
  const [one, other] = [new Set(actual), new Set(expected)];
  const extra = actual.filter((row) => !other.has(row)).map((row) => `${what}: ${row} is too much`);
  const missing = expected.filter((row) => !one.has(row)).map((row) => `${what}: ${row} is missing`);
  const doubled =
    actual.length === expected.length ? [] : [`${what}: ${actual.length} rows, ${expected.length} expected`];
  return [...missing, ...extra, ...doubled];
}

async function rowsOf(db: Knex): Promise<string[]> {
  const rows: string[] = [];
  for (const table of Object.values(modelTables))
    for (const row of await db(table)) rows.push(`${table} ${textOf(row)}`);
  return rows;
}

async function balancesOf(db: Knex): Promise<string[]> {
  const rows = await selectRows(
    db,
    "SELECT a.id, a.status, b.posted, b.held FROM v_accounts a JOIN v_balances b ON b.number = a.number",
  );
  return rows.map(({ id, status, posted, held }) => `${id} ${status} ${posted} ${held}`);
}

function bookedBalances({ books }: Auditor): string[] {
  return [...books.accounts.values()].map(({ id, status, posted, held }) => `${id} ${status} ${posted} ${held}`);
}

async function entriesOf(db: Knex): Promise<string[]> {
  const rows = await selectRows(db, "SELECT id, amount, balance_after, effective_date FROM v_entries");
  return rows.map(
    ({ id, amount, balance_after, effective_date }) => `${id} ${amount} ${balance_after} ${effective_date}`,
  );
}

function bookedEntries({ books, history }: Auditor): string[] {
  const lines = [...books.accounts.keys()].flatMap((id) => history.entries(id, Number.MAX_SAFE_INTEGER));
  return lines.map(({ body }) => `${body.id} ${body.amount} ${body.balanceAfter} ${body.effectiveDate}`);
}

async function paymentsOf(db: Knex): Promise<string[]> {
  const rows = await selectRows(db, "SELECT id, status, captured, refunded FROM v_payments");
  return rows.map(({ id, status, captured, refunded }) => `${id} ${status} ${captured} ${refunded}`);
}

function bookedPayments({ history }: Auditor): string[] {
  return history.payments(Number.MAX_SAFE_INTEGER).map((id) => {
    const { status, captured, refunded } = history.payment(id, Number.MAX_SAFE_INTEGER) ?? {};
    return `${id} ${status} ${captured} ${refunded}`;
  });
}

/** Each owner's balances and last movements. */
async function sessionsOf({ models }: SimulatedStores, auditor: Auditor): Promise<string[]> {
  const texts: string[] = [];
  const session = openSession(() => models);
  for (const [tenant, owner] of ownersOf(auditor)) {
    const { accounts, movements } = await session.read(tenant, owner);
    const balances = accounts.map(({ id, status, balances: { posted, held } }) => `${id} ${status} ${posted} ${held}`);
    texts.push(`${tenant} ${owner}: ${balances.toSorted()} ${movements.map(({ id }) => id)}`);
  }
  return texts;
}

function bookedSessions(auditor: Auditor): string[] {
  const { books, history } = auditor;
  return ownersOf(auditor).map(([tenant, owner]) => {
    const accounts = [...books.accounts.values()].filter((one) => one.tenant === tenant && one.owner === owner);
    const shown = byLatestEntry(history, accounts, Number.MAX_SAFE_INTEGER).slice(0, ACCOUNTS_MAX);
    const balances = shown.map(({ id, status, posted, held }) => `${id} ${status} ${posted} ${held}`);
    const movements = accounts
      .flatMap(({ id }) => history.entries(id, Number.MAX_SAFE_INTEGER).map(({ body }) => `${body.id}`))
      .toSorted()
      .toReversed();
    return `${tenant} ${owner}: ${balances.toSorted()} ${movements.slice(0, 20)}`;
  });
}

function ownersOf({ books }: Auditor): [tenant: string, owner: string][] {
  const owners = new Map<string, [string, string]>();
  for (const { tenant, owner } of books.accounts.values()) owners.set(`${tenant}/${owner}`, [tenant, owner]);
  return [...owners.values()];
}

async function graphOf({ graph }: SimulatedStores, { books }: Auditor): Promise<string[]> {
  const rows: string[] = [];
  for (const { id, tenant } of books.accounts.values()) {
    const { recommendations } = await graph.recommend(tenant, id, RECOMMENDATIONS_MAX);
    for (const { merchant, score } of recommendations) rows.push(`${id} ${merchant} ${score}`);
  }
  return rows;
}

function bookedGraph({ books, history, events }: Auditor): string[] {
  const recommend = makeRecommender(books, history, events.length - 1);
  return [...books.accounts.keys()].flatMap((id) =>
    recommend(id)
      .slice(0, RECOMMENDATIONS_MAX)
      .map(([merchant, score]) => `${id} ${merchant} ${score}`),
  );
}
