import type { AccountStatus, AccountType } from "ledger-core";
import { accountSchema } from "ledger-core/http/schemas";
import { example, listQuery, objectRoute, pageOf, plainRoute, queryText } from "./parts.ts";

const types: Readonly<Record<AccountType, true>> = {
  wallet: true,
  merchant: true,
  bank: true,
  revenue: true,
  suspense: true,
  clearing: true,
  transit: true,
};
const statuses: Readonly<Record<AccountStatus, true>> = { open: true, frozen: true, closed: true };

export const accountRoute = objectRoute({
  tag: "Accounts",
  id: example.account,
  summary: "An account with its balances",
  description: "A consumer or merchant sees its own accounts; operators, auditors and services all of their tenant.",
  answer: accountSchema,
});

export const accountListRoute = plainRoute({
  tag: "Accounts",
  summary: "Accounts, newest first",
  description:
    "A consumer or merchant is answered with its own accounts; an operator, auditor or service with all of its " +
    "tenant, those of the ledger " +
    "itself included. An owner that the caller may not see has no accounts.",
  query: {
    owner: { ...queryText("Accounts of this owner."), minLength: 1, maxLength: 255, example: "sam" },
    type: { type: "string", enum: Object.keys(types), description: "Accounts of this type." },
    status: { type: "string", enum: Object.keys(statuses), description: "Accounts that are in this state now." },
    ...listQuery,
  },
  answer: pageOf("One page of accounts", accountSchema),
});
