import { entryBody, parseId } from "ledger-core";
import { readAccount } from "../queries/accounts.ts";
import { type EntryKey, listEntries } from "../queries/entries.ts";
import { amount, answered, behind, instant, type Parameters, type Query, type QueryOutcome } from "../query.ts";
import { entryListRoute } from "../schemas/entries.ts";
import { absent, type QueryContext, type QueryRoute } from "./context.ts";
import { listBody, readList } from "./lists.ts";

/** GET /v1/accounts/{id}/entries */
export const entryRoutes: readonly QueryRoute[] = [
  {
    name: "entries",
    url: "/v1/accounts/:id/entries",
    schema: entryListRoute,
    lane: "list",
    stores: ["models"],
    answer: answerEntries,
  },
];

async function answerEntries(query: Query, context: QueryContext): Promise<QueryOutcome> {
  const list = readList(query, context);
  const id = parseId("acct", query.id);
  if (!id) throw absent("account");
  const filters = readFilters(query.parameters);
  const read = await context.models.read(list.required, async (snapshot) => {
    const account = await readAccount(snapshot, query.caller, id);
    if (!account) return undefined;
    const after = list.after === undefined ? undefined : parseKey(list.after);
    return listEntries(snapshot, account, filters, { limit: list.limit, order: list.order, after });
  });
  if (!read) return behind("models", list.required);
  if (!read.result) throw absent("account");
  const { rows, last } = read.result;
  const page = { result: { rows, last: last && formatKey(last) }, positions: read.positions };
  return answered(read.positions, listBody(context, list, page, entryBody));
}

function readFilters({ from, to, type, minAmount, maxAmount, reference }: Parameters) {
  return {
    from: instant(from),
    to: instant(to),
    type,
    minAmount: amount(minAmount),
    maxAmount: amount(maxAmount),
    reference,
  };
}

function formatKey({ revision, idx }: EntryKey): string {
  return `${revision}.${idx}`;
}

function parseKey(text: string): EntryKey {
  const [revision = "", idx = ""] = text.split(".");
  return { revision: Number(revision), idx: Number(idx) };
}
