/**
 * The read models' tables, column by column: projection-workers owns their migrations and writes them, query-service
 * reads them. Amounts are BIGINT (read as bigint), instants BIGINT microseconds, dates CHAR(10), ids ASCII with binary
 * collation, JSON as text. A rebuilt version of the models is in tables with a suffix (`entries_v2`);
 * `model_versions` says which suffix is served.
 */
export const tables = {
  accounts: "accounts",
  entries: "entries",
  holdChanges: "hold_changes",
  dailyTotals: "daily_totals",
  payments: "payments",
  ownerPayments: "owner_payments",
  movements: "movements",
  milestones: "milestones",
  checkpoints: "checkpoints",
  modelVersions: "model_versions",
} as const;

/**
 * Primary key (id).
 * Lists: (tenant, owner, id), (tenant, id), (tenant, type, id), (tenant, status, id), (tenant, type, status, id).
 */
export type AccountRow = {
  id: string;
  tenant: string;
  owner: string;
  type: string;
  currency: string;
  status: string;
  display_name: string | null;
  time_zone: string;
  floor: bigint | null;
  per_transaction: bigint | null;
  per_day: bigint | null;
  posted: bigint;
  held: bigint;
  opened_at: bigint;
  metadata: string;
  shard: number;
};

/**
 * Primary key (account, booked_at, revision, idx): booked time never falls along revisions, so this is the order of
 * both. Secondary: (reference, account, booked_at, revision, idx) of the rows that have one. A revision becomes a time
 * by `milestones`.
 */
export type EntryRow = {
  account: string;
  revision: bigint;
  idx: number;
  id: string;
  tenant: string;
  shard: number;
  amount: bigint;
  balance_after: bigint;
  currency: string;
  type: string;
  booked_at: bigint;
  effective_date: string;
  counterparty: string;
  reference: string | null;
  source_id: string;
};

/** The amount held on an account after an event that changed it. Primary key (account, booked_at, revision). */
export type HoldChangeRow = { account: string; revision: bigint; booked_at: bigint; held: bigint };

/**
 * The sum of an account's postings on an effective date, `billions` * 10^9 + `units`. Primary key (account, date). A
 * backdated posting counts toward its date alone, so a date's sum knows no bound while every balance is within its own:
 * one BIGINT overflows. Each posting is split toward zero before it is added, so both columns are sums, the same in
 * whatever batches they were written, and exact for 9 * 10^9 postings of the largest amount.
 */
export type DailyTotalRow = { account: string; date: string; billions: bigint; units: bigint };
export const DAILY_TOTAL_BASE = 1_000_000_000n;

/**
 * Primary key (id). Lists: (tenant, status, id), (payer, status, id), (payee, status, id); one of every status is the
 * merge of those of each, since an index more would cost every payment.
 */
export type PaymentRow = {
  id: string;
  tenant: string;
  payer: string;
  payee: string;
  amount: bigint;
  currency: string;
  status: string;
  captured: bigint;
  refunded: bigint;
  fee: bigint;
  capture: string;
  reference: string | null;
  metadata: string;
  created_at: bigint;
  expires_at: bigint | null;
  shard: number;
};

/**
 * The payments that touch an account of an owner, one row for each owner and payment: the list of an owner's payments
 * walks this index, however many accounts the owner has. Primary key (tenant, owner, id).
 */
export type OwnerPaymentRow = { tenant: string; owner: string; id: string };

/**
 * Transfers, refunds, top-ups and payouts: found by id, never listed, so their answer is kept whole. Primary key (id).
 * `accounts` is a JSON array of the account ids that it touches, for the policy; `body` the JSON of the answer.
 */
export type MovementRow = {
  id: string;
  kind: string;
  tenant: string;
  accounts: string;
  body: string;
  shard: number;
};

/**
 * When the first movement or hold of each run of MILESTONE_SPAN revisions was booked; a run without one has no row.
 * What a shard has booked up to a revision was booked at or before the time of the first milestone of a later run.
 * Primary key (shard, span).
 */
export type MilestoneRow = { shard: number; span: bigint; booked_at: bigint };
export const MILESTONE_SPAN = 1024;

/** The position of a version of a projection. Primary key (projection, version, shard). */
export type CheckpointRow = { projection: string; version: number; shard: number; revision: bigint };

/** Which version of the models is served. Primary key (projection). `suffix` is "" or "_v<version>". */
export type ModelVersionRow = { projection: string; version: number; suffix: string };
