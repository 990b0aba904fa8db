import { type GoldRow, parseId } from "ledger-core";
import { Problem } from "ledger-core/http/problems";
import { csvOf } from "../csv.ts";
import { formatPositions, reached } from "../positions.ts";
import { readAccount } from "../queries/accounts.ts";
import { dateIn, endOfMonth, listReport, type ReportExtent, readExtent, textIn, wholeIn } from "../queries/reports.ts";
import { answered, behind, type Query, type QueryOutcome } from "../query.ts";
import { type ReportName, reportRoute, reportRows } from "../schemas/reports.ts";
import { absent, type QueryContext, type QueryRoute } from "./context.ts";
import { listBody, readList } from "./lists.ts";

const tables = {
  "daily-sales": "merchant_daily_sales",
  "monthly-summary": "merchant_monthly_summary",
  customers: "merchant_customers",
} as const satisfies Readonly<Record<ReportName, string>>;

/** GET /v1/accounts/{id}/reports/{daily-sales|monthly-summary|customers}, from the tables of analytics jobs. */
export const reportRoutes: readonly QueryRoute[] = (["daily-sales", "monthly-summary", "customers"] as const).map(
  (name) => ({
    name,
    url: `/v1/accounts/:id/reports/${name}`,
    schema: reportRoute(name),
    lane: "list",
    stores: ["models"],
    readsGold: true,
    writesCsv: true,
    answer: (query, context) => answerReport(name, query, context),
  }),
);

async function answerReport(name: ReportName, query: Query, context: QueryContext): Promise<QueryOutcome> {
  const { caller, required, parameters } = query;
  const list = readList(query, context);
  const id = parseId("acct", query.id);
  if (!id) throw absent("account");
  const account = await context.models.read(required, (snapshot) => readAccount(snapshot, caller, id));
  if (!account) return behind("models", required);
  if (!account.result) throw absent("account");
  const { gold, shards } = context;
  const table = tables[name];
  const extent = gold && (await readExtent(gold, table, shards));
  if (!gold || !extent) throw notComputed();
  if (!reached(extent.positions, list.required)) throw tooOld(extent);
  const merchant = { tenant: caller.tenant, account: id };
  const { from, to } = parameters;
  const { order, limit, after } = list;
  const result = await listReport(gold, { table, merchant, from, to, order, limit, after });
  const page = { result, positions: extent.positions };
  const body = listBody(context, list, page, (row) => rowBody(name, row, extent));
  return query.csv ? csvAnswer(name, body, extent) : jsonAnswer(body, extent);
}

type ReportBody = { readonly data: readonly Readonly<Record<string, Cell>>[]; readonly nextCursor: string | null };
type Cell = string | number | boolean;

function jsonAnswer(body: ReportBody, { positions, completeTo }: ReportExtent): QueryOutcome {
  return answered(positions, { ...body, position: formatPositions(positions), completeTo });
}

function csvAnswer(
  name: ReportName,
  { data, nextCursor }: ReportBody,
  { positions, completeTo }: ReportExtent,
): QueryOutcome {
  const columns = columnsOf(name);
  const text = csvOf(
    columns,
    data.map((row) => columns.map((column) => row[column] ?? "")),
  );
  const headers = {
    "content-type": "text/csv; charset=utf-8; header=present",
    ...(completeTo !== null && { "ledger-complete-to": completeTo }),
    ...(nextCursor !== null && { "ledger-next-cursor": nextCursor }),
  };
  return { ...answered(positions, text), headers };
}

function columnsOf(name: ReportName): readonly string[] {
  return Object.keys(reportRows[name].properties);
}

const amounts = new Set(["gross", "refunded", "net", "average"]);

/** A row as the API has it: amounts as text, names in camel case. */
function rowBody(name: ReportName, row: GoldRow, { completeTo }: ReportExtent): Readonly<Record<string, Cell>> {
  const date = dateIn(row);
  const end = row.date === undefined ? endOfMonth(date) : date;
  const cells = columnsOf(name).map((column): [string, Cell] => {
    if (column === "final") return [column, completeTo !== null && end <= completeTo];
    if (column === "date" || column === "month") return [column, date];
    if (column === "currency") return [column, textIn(row, column)];
    const stored = column.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    return [column, amounts.has(column) ? String(row[stored]) : wholeIn(row, stored)];
  });
  return Object.fromEntries(cells);
}

/** Jobs run every few hours at most. */
const later = { headers: { "retry-after": "60" } };

function notComputed(): Problem {
  const detail =
    "No report has been computed yet: run the analytics job `gold` on the export, as docs/analytics.md shows.";
  return new Problem("store_unavailable", detail, later);
}

function tooOld({ positions }: ReportExtent): Problem {
  const detail = `The report is of position ${formatPositions(positions)}: ask without Ledger-Position to get it.`;
  return new Problem("position_not_reached", detail, later);
}
