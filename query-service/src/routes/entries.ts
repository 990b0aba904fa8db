import type { FastifyInstance } from "fastify";
import { entryBody, parseId } from "ledger-core";
import { amount, instant, type Parameters } from "../filters.ts";
import { readAccount } from "../queries/accounts.ts";
import { type EntryKey, listEntries } from "../queries/entries.ts";
import { toEntry } from "../queries/rows.ts";
import { entryListRoute } from "../schemas/entries.ts";
import { absent, type QueryContext, served } from "./context.ts";
import { listBody, readList } from "./lists.ts";

/** GET /v1/accounts/{id}/entries */
export function serveEntries(app: FastifyInstance, context: QueryContext): void {
  app.get<{ Params: { id: string }; Querystring: Parameters }>(
    "/v1/accounts/:id/entries",
    { schema: entryListRoute },
    async (request, reply) => {
      const list = readList(request, context);
      const id = parseId("acct", request.params.id);
      if (!id) throw absent("account");
      const filters = readFilters(request.query);
      const { result: page, positions } = await context.models.read(list.freshness, async (view) => {
        if (!(await readAccount(view, list.caller, id))) return undefined;
        const after = list.after === undefined ? undefined : parseKey(list.after);
        return listEntries(view, id, filters, { limit: list.limit, order: list.order, after });
      });
      if (!page) throw absent("account");
      const { rows, last } = page;
      const read = { result: { rows, last: last && formatKey(last) }, positions };
      served(reply, read);
      return listBody(context, list, read, (row) => entryBody(toEntry(row)));
    },
  );
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

function formatKey({ bookedAt, revision, idx }: EntryKey): string {
  return `${bookedAt}.${revision}.${idx}`;
}

function parseKey(text: string): EntryKey {
  const [bookedAt = "", revision = "", idx = ""] = text.split(".");
  return { bookedAt: BigInt(bookedAt), revision: BigInt(revision), idx: Number(idx) };
}
