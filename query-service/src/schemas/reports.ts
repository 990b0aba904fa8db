import { businessDate, signedAmount } from "ledger-core/http/schemas";
import { example, listQuery, objectRoute, shape } from "./parts.ts";

const currency = { type: "string", description: "ISO 4217 code.", example: "HKD" };
const day = { ...businessDate, description: "A day in the merchant's time zone." };
const month = { ...businessDate, description: "The month's first day.", example: "2026-11-01" };
const count = (description: string, value: number) => ({ type: "integer", minimum: 0, description, example: value });
const money = (description: string, value: string) => ({ ...signedAmount, description, example: value });
const final = {
  type: "boolean",
  description: "True when no later event can change the row; false while the export does not hold all of its time yet.",
};

const sales = {
  payments: count("Payments of which money was captured.", 2),
  gross: money("Captured.", "1500"),
  refunds: count("Refunds, also of earlier payments.", 1),
  refunded: money("Given back by them.", "300"),
  net: money("gross − refunded", "1200"),
  customers: count("Different payers.", 2),
};

const newCustomers = count("Payers whose first payment to the merchant was in this month.", 1);

/** Each report's row. Columns of a CSV have the same names and order. */
export const reportRows = {
  "daily-sales": shape("A day with payments or refunds", { date: day, currency, ...sales, final }),
  "monthly-summary": shape("A month with payments or refunds", {
    ...{ month, currency, ...sales, newCustomers },
    average: money("gross divided by payments, rounded down.", "750"),
    final,
  }),
  customers: shape("A month with payments", {
    ...{ month, currency, customers: count("Different payers.", 2), newCustomers },
    returningCustomers: count("Payers who had paid the merchant in an earlier month.", 1),
    repeatPayments: count("Payments that were not the payer's first to the merchant.", 1),
    final,
  }),
} as const;

export type ReportName = keyof typeof reportRows;

const about: Readonly<Record<ReportName, { readonly summary: string; readonly description: string }>> = {
  "daily-sales": {
    summary: "A merchant's sales per day",
    description: "A row for each day with payments or refunds. ",
  },
  "monthly-summary": {
    summary: "A merchant's sales per month",
    description: "A row for each month with payments or refunds. ",
  },
  customers: { summary: "A merchant's new and returning customers per month", description: "" },
};

const csvHeaders = {
  "Ledger-Complete-To": { type: "string", description: "completeTo, of an answer in CSV.", example: "2026-11-25" },
  "Ledger-Next-Cursor": { type: "string", description: "nextCursor, of an answer in CSV that has one." },
};

/** The schema of a report's route. */
export function reportRoute(name: ReportName): object {
  const row = reportRows[name];
  const inTime = name === "daily-sales" ? "Days" : "Months whose first day is";
  const answer = shape("One page of a report", {
    data: { type: "array", items: row },
    nextCursor: { type: ["string", "null"], description: "Null when nothing follows, and only then." },
    position: { type: "string", description: "The position of each shard up to which it is.", example: "0:1234" },
    completeTo: {
      type: ["string", "null"],
      description: "The last date that is final; null when none is.",
      example: "2026-11-25",
    },
  });
  const text = { type: "string", description: "The rows, with a line of names: RFC 4180." };
  return objectRoute({
    ...{ tag: "Reports", id: example.account, summary: about[name].summary },
    description:
      `${about[name].description}Analytics jobs compute reports from the exported history: \`position\` says how ` +
      "much of it is in them, `completeTo` which dates are final. Until a job has run, the answer is 503. " +
      "`Accept: text/csv` gets the rows as CSV.",
    query: {
      from: { ...businessDate, description: `${inTime} on or after this date.`, example: "2026-11-01" },
      to: { ...businessDate, description: `${inTime} before this date.`, example: "2026-12-01" },
      ...listQuery,
    },
    answer: {
      description: "One page of a report",
      content: { "application/json": { schema: answer }, "text/csv": { schema: text } },
    },
    answerHeaders: csvHeaders,
  });
}
