import { entryTypes } from "ledger-core";
import { SCAN_MAX } from "../queries/entries.ts";
import { accountExample } from "./accounts.ts";
import { amount, digits, instant, listOf, listQuery, objectRoute, shape, text, textOrNull } from "./parts.ts";

export const entry = shape({
  id: text("ent_01kaney4g00008g000000000c5"),
  account: text(accountExample),
  amount: { type: "string", description: "Signed: credits positive, debits negative.", examples: ["-1250"] },
  balanceAfter: digits("The account's posted balance after this entry."),
  currency: text("HKD"),
  type: { type: "string", enum: entryTypes },
  bookedAt: text("2026-11-22T08:30:00.000000Z"),
  effectiveDate: text("2026-11-22"),
  counterparty: text("acct_01kaney4g00008g000000000c6"),
  reference: textOrNull("INV-2026-0042"),
  source: shape({ kind: { type: "string", enum: entryTypes }, id: text("pay_01kaney4g00008g000000000c5") }),
  position: text("0:1234"),
});

export const entryListSchema = objectRoute(accountExample, {
  tag: "Accounts",
  summary: "The history of an account, newest first",
  description:
    "One entry for each posting on the account, with the balance after it. The cost of a page does not depend on the length of the history. " +
    `With type, minAmount or maxAmount a page looks at ${SCAN_MAX} entries at most: it may then be short, even empty, and still have a nextCursor that goes on. ` +
    "The end is where nextCursor is null, and only there.",
  query: {
    from: { ...instant, description: "Booked at this time or later." },
    to: { ...instant, description: "Booked before this time." },
    type: { type: "string", enum: entryTypes },
    minAmount: { ...amount, description: "At least this amount, whatever its sign." },
    maxAmount: { ...amount, description: "At most this amount, whatever its sign." },
    reference: {
      type: "string",
      minLength: 1,
      maxLength: 140,
      description: "Exactly this reference.",
      examples: ["INV-2026-0042"],
    },
    ...listQuery,
  },
  answer: { description: "One page of entries.", body: listOf(entry) },
});
