import { entryTypes } from "ledger-core";
import { amountBound, businessDate, instant, signedAmount } from "ledger-core/http/schemas";
import { queryLimits } from "../limits.ts";
import { example, listQuery, objectRoute, pageOf, queryText, shape } from "./parts.ts";

const entryType = { type: "string", enum: entryTypes };

export const entrySchema = shape("One posting as its account sees it", {
  id: { type: "string", example: "ent_01kaney4g00008g00000000000" },
  account: { type: "string", example: example.account },
  amount: { ...signedAmount, description: "Credits positive, debits negative." },
  balanceAfter: { ...signedAmount, description: "What is booked on the account after this entry." },
  currency: { type: "string", example: "HKD" },
  type: entryType,
  bookedAt: instant,
  effectiveDate: businessDate,
  counterparty: { type: "string", description: "The account on the other side.", example: example.other },
  reference: { type: ["string", "null"], example: "INV-2026-0042" },
  source: shape("What the entry comes from", { kind: entryType, id: { type: "string", example: example.payment } }),
  position: { type: "string", description: "The position of its event.", example: "0:1234" },
});

export const entryListRoute = objectRoute({
  tag: "Accounts",
  id: example.account,
  summary: "The history of an account, newest first",
  description:
    "One entry for each posting on the account, with the balance after it. The cost of a page does not depend on " +
    "the length of the history. " +
    `With type, minAmount or maxAmount a page looks at ${queryLimits.scanMax} entries at most: it may then be short, ` +
    "even empty, and still have a nextCursor that goes on.",
  query: {
    from: { ...instant, description: "Booked at this time or later." },
    to: { ...instant, description: "Booked before this time." },
    type: { ...entryType, description: "Entries of this type." },
    minAmount: { ...amountBound, description: "At least this amount, whatever its sign." },
    maxAmount: { ...amountBound, description: "At most this amount, whatever its sign." },
    reference: { ...queryText("Exactly this reference."), minLength: 1, maxLength: 140, example: "INV-2026-0042" },
    ...listQuery,
  },
  answer: pageOf("One page of entries", entrySchema),
});
