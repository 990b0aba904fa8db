import {
  type AccountRow,
  type AuthorizationRow,
  type DailyTotalRow,
  type EntryReferenceRow,
  type EntryRow,
  type EntryRunRow,
  type HoldChangeRow,
  type MilestoneRow,
  type MovementRow,
  type PaymentRow,
  type PaymentStateRow,
  tables,
} from "ledger-core";
import type { Table } from "ledger-core/sql";

export const accounts: Table<AccountRow> = {
  name: tables.accounts,
  columns: {
    number: "bigint",
    salt: "int",
    tenant: "name",
    owner: "name",
    type: "int",
    status: "int",
    currency: "word",
    display_name: "text?",
    time_zone: "text",
    floor: "bigint?",
    per_transaction: "bigint?",
    per_day: "bigint?",
    opened_at: "bigint",
    metadata: "text?",
  },
  key: ["number"],
  indexes: [
    ["tenant", "owner", "number"],
    ["tenant", "type", "status", "number"],
  ],
};

export const entryRuns: Table<EntryRunRow> = {
  name: tables.entryRuns,
  columns: { shard: "int", run: "bigint" },
  key: ["shard", "run"],
  indexes: [],
};

export const entries: Table<EntryRow> = {
  name: tables.entries,
  columns: {
    run: "bigint",
    account: "bigint",
    revision: "bigint",
    idx: "int",
    at: "bigint",
    amount: "bigint",
    balance: "bigint",
    day: "int",
    type: "int",
    counterparty: "bigint",
    salt: "int",
    source: "bigint?",
    reference: "name?",
  },
  key: ["run", "account", "revision", "idx"],
  indexes: [],
};

export const entryReferences: Table<EntryReferenceRow> = {
  name: tables.entryReferences,
  columns: { run: "bigint", account: "bigint", reference: "name", revision: "bigint", idx: "int" },
  key: ["run", "account", "reference", "revision", "idx"],
  indexes: [],
};

export const holdChanges: Table<HoldChangeRow> = {
  name: tables.holdChanges,
  columns: { account: "bigint", revision: "bigint", at: "bigint", held: "bigint" },
  key: ["account", "revision"],
  indexes: [],
};

export const dailyTotals: Table<DailyTotalRow> = {
  name: tables.dailyTotals,
  columns: { run: "bigint", account: "bigint", day: "int", billions: "bigint", units: "bigint" },
  key: ["run", "account", "day"],
  indexes: [],
};

export const payments: Table<PaymentRow> = {
  name: tables.payments,
  columns: {
    tenant: "name",
    number: "bigint",
    payer: "bigint",
    payee: "bigint",
    amount: "bigint",
    fee: "bigint",
    salt: "int",
    at: "bigint",
    capture: "int",
    expires_at: "bigint?",
    reference: "text?",
    metadata: "text?",
  },
  key: ["tenant", "number"],
  indexes: [],
};

export const paymentStates: Table<PaymentStateRow> = {
  name: tables.paymentStates,
  columns: {
    number: "bigint",
    tenant: "name",
    payer: "bigint",
    payee: "bigint",
    status: "int",
    captured: "bigint",
    refunded: "bigint",
    fee: "bigint",
  },
  key: ["number"],
  indexes: [
    ["tenant", "status", "number"],
    ["payer", "status", "number"],
    ["payee", "status", "number"],
  ],
};

export const authorizations: Table<AuthorizationRow> = {
  name: tables.authorizations,
  columns: { account: "bigint", number: "bigint" },
  key: ["account", "number"],
  indexes: [],
};

export const movements: Table<MovementRow> = {
  name: tables.movements,
  columns: {
    number: "bigint",
    tenant: "name",
    kind: "int",
    salt: "int",
    at: "bigint",
    accounts: "text",
    body: "text",
  },
  key: ["number"],
  indexes: [],
};

export const milestones: Table<MilestoneRow> = {
  name: tables.milestones,
  columns: { shard: "int", span: "bigint", at: "bigint" },
  key: ["shard", "span"],
  indexes: [["shard", "at", "span"]],
};
