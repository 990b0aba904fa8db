import { accountStatuses, accountTypes } from "../domain-words.ts";
import { digits, listOf, listQuery, objectRoute, plainRoute, shape, text, textOrNull } from "./parts.ts";

export const balances = shape({
  posted: digits("What was booked, credits positive."),
  held: digits("What is authorized and not captured."),
  available: digits("posted − held"),
});

export const account = shape({
  id: text("acct_01kaney4g00008g000000000c5"),
  type: { type: "string", enum: accountTypes },
  currency: text("HKD"),
  owner: text("customer-7"),
  displayName: { type: ["string", "null"], description: "Public; merchants only.", examples: ["Corner Bakery"] },
  timeZone: text("Asia/Hong_Kong"),
  status: { type: "string", enum: accountStatuses },
  limits: shape({
    floor: { type: ["string", "null"], description: "What the available balance may fall to; null: without end." },
    perTransaction: textOrNull("500000"),
    perDay: textOrNull("2000000"),
  }),
  balances,
  openedAt: text("2026-11-22T08:30:00.000000Z"),
});

export const accountExample = "acct_01kaney4g00008g000000000c5";

export const accountSchema = objectRoute(accountExample, {
  tag: "Accounts",
  summary: "An account with its balances",
  description: "A consumer or merchant sees its own accounts; operators, auditors and services all of their tenant.",
  answer: { description: "The account.", body: account },
});

export const accountListSchema = plainRoute({
  tag: "Accounts",
  summary: "Accounts, newest first",
  description:
    "A consumer or merchant is answered with its own accounts; an operator, auditor or service with all of its tenant, those of the ledger itself included. " +
    "An owner that the caller may not see has no accounts.",
  query: {
    owner: {
      type: "string",
      minLength: 1,
      maxLength: 255,
      description: "Accounts of this owner.",
      examples: ["customer-7"],
    },
    type: { type: "string", enum: accountTypes },
    status: { type: "string", enum: accountStatuses },
    ...listQuery,
  },
  answer: { description: "One page of accounts.", body: listOf(account) },
});
