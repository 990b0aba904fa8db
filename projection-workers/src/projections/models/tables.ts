import {
  type AccountRow,
  type DailyTotalRow,
  type EntryRow,
  type HoldChangeRow,
  type MilestoneRow,
  type MovementRow,
  type OwnerPaymentRow,
  type PaymentRow,
  tables,
} from "ledger-core";
import type { Table } from "ledger-core/sql";

export const accounts: Table<AccountRow> = {
  name: tables.accounts,
  columns: {
    id: "id",
    tenant: "name",
    owner: "name",
    type: "word",
    currency: "word",
    status: "word",
    display_name: "text?",
    time_zone: "text",
    floor: "bigint?",
    per_transaction: "bigint?",
    per_day: "bigint?",
    posted: "bigint",
    held: "bigint",
    opened_at: "bigint",
    metadata: "text",
    shard: "int",
  },
  key: ["id"],
  indexes: [
    ["tenant", "owner", "id"],
    ["tenant", "id"],
    ["tenant", "type", "id"],
    ["tenant", "status", "id"],
    ["tenant", "type", "status", "id"],
  ],
};

export const entries: Table<EntryRow> = {
  name: tables.entries,
  columns: {
    account: "id",
    revision: "bigint",
    idx: "int",
    id: "id",
    tenant: "name",
    shard: "int",
    amount: "bigint",
    balance_after: "bigint",
    currency: "word",
    type: "word",
    booked_at: "bigint",
    effective_date: "day",
    counterparty: "id",
    reference: "name?",
    source_id: "id",
  },
  key: ["account", "booked_at", "revision", "idx"],
  indexes: [["reference", "account", "booked_at", "revision", "idx"]],
};

export const holdChanges: Table<HoldChangeRow> = {
  name: tables.holdChanges,
  columns: { account: "id", revision: "bigint", booked_at: "bigint", held: "bigint" },
  key: ["account", "booked_at", "revision"],
  indexes: [],
};

export const dailyTotals: Table<DailyTotalRow> = {
  name: tables.dailyTotals,
  columns: { account: "id", date: "day", billions: "bigint", units: "bigint" },
  key: ["account", "date"],
  indexes: [],
};

export const payments: Table<PaymentRow> = {
  name: tables.payments,
  columns: {
    id: "id",
    tenant: "name",
    payer: "id",
    payee: "id",
    amount: "bigint",
    currency: "word",
    status: "word",
    captured: "bigint",
    refunded: "bigint",
    fee: "bigint",
    capture: "word",
    reference: "text?",
    metadata: "text",
    created_at: "bigint",
    expires_at: "bigint?",
    shard: "int",
  },
  key: ["id"],
  indexes: [
    ["tenant", "status", "id"],
    ["payer", "status", "id"],
    ["payee", "status", "id"],
  ],
};

export const ownerPayments: Table<OwnerPaymentRow> = {
  name: tables.ownerPayments,
  columns: { tenant: "name", owner: "name", id: "id" },
  key: ["tenant", "owner", "id"],
  indexes: [],
};

export const movements: Table<MovementRow> = {
  name: tables.movements,
  columns: { id: "id", kind: "word", tenant: "name", accounts: "text", body: "text", shard: "int" },
  key: ["id"],
  indexes: [],
};

export const milestones: Table<MilestoneRow> = {
  name: tables.milestones,
  columns: { shard: "int", span: "bigint", booked_at: "bigint" },
  key: ["shard", "span"],
  indexes: [],
};
