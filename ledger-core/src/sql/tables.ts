/**
 * The read models' tables, column by column: projection-workers owns their migrations and writes them, query-service
 * reads them. docs/read-models.md describes them for people, and names the query that each index is owed to.
 *
 * A thing is named by its number: `numberOf` the event that made it (see numbers.ts). Enumerations are codes and days
 * are yyyymmdd (see codes.ts), instants BIGINT microseconds, JSON is text. BIGINT columns are read as bigint, INT as
 * number. A rebuilt version of the models is in tables with a suffix (`entries_v2`); `model_versions` says which suffix
 * is served.
 */
export const tables = {
  accounts: "accounts",
  entryRuns: "entry_runs",
  entries: "entries",
  entryReferences: "entry_references",
  holdChanges: "hold_changes",
  dailyTotals: "daily_totals",
  payments: "payments",
  paymentStates: "payment_states",
  authorizations: "authorizations",
  movements: "movements",
  milestones: "milestones",
  checkpoints: "checkpoints",
  modelVersions: "model_versions",
} as const;

/**
 * Primary key (number). Lists: (tenant, owner, number), (tenant, type, status, number). Only `status` ever changes. The
 * balance now is that of the newest entry, what is held now that of the newest hold change. `metadata` is null for
 * none.
 */
export type AccountRow = {
  number: bigint;
  salt: number;
  tenant: string;
  owner: string;
  type: number;
  status: number;
  currency: string;
  display_name: string | null;
  time_zone: string;
  floor: bigint | null;
  per_transaction: bigint | null;
  per_day: bigint | null;
  opened_at: bigint;
  metadata: string | null;
};

/**
 * The ranges of revisions by which entries, their references and the daily totals are partitioned: `run` is the first
 * revision of one. Within a run rows are clustered by account; over all of the log that tree would be so large that
 * each new row touches a page of its own. A run ends where the next one of its shard begins. Primary key (shard, run).
 */
export type EntryRunRow = { shard: number; run: bigint };

/**
 * Primary key (run, account, revision, idx); the shard is in the account's number. `day` is the effective date,
 * `balance` the account's after the entry, `counterparty` an account's number. `salt` completes the id of what the
 * event made. An entry's source was made by this very event, except that of a capture: `source` is then the number of
 * the payment.
 */
export type EntryRow = {
  run: bigint;
  account: bigint;
  revision: bigint;
  idx: number;
  at: bigint;
  amount: bigint;
  balance: bigint;
  day: number;
  type: number;
  counterparty: bigint;
  salt: number;
  source: bigint | null;
  reference: string | null;
};

/** The entries that have a reference. Primary key (run, account, reference, revision, idx). */
export type EntryReferenceRow = { run: bigint; account: bigint; reference: string; revision: bigint; idx: number };

/** The amount held on an account after an event that changed it. Primary key (account, revision). */
export type HoldChangeRow = { account: bigint; revision: bigint; at: bigint; held: bigint };

/**
 * The sum of an account's postings of a run on an effective date, `billions` * 10^9 + `units`. Primary key (run,
 * account, day). A
 * backdated posting counts toward its date alone, so a date's sum knows no bound while every balance is within its own:
 * one BIGINT overflows. Each posting is split toward zero before it is added, so both columns are sums, the same in
 * whatever batches they were written, and exact for 9 * 10^9 postings of the largest amount.
 */
export type DailyTotalRow = { run: bigint; account: bigint; day: number; billions: bigint; units: bigint };
export const DAILY_TOTAL_BASE = 1_000_000_000n;

/**
 * A payment as it was made; never rewritten. Primary key (tenant, number). The currency is that of the payer's account.
 * Without a row in payment_states, it is captured in full and nothing of it is refunded. `metadata` is null for none.
 */
export type PaymentRow = {
  tenant: string;
  number: bigint;
  payer: bigint;
  payee: bigint;
  amount: bigint;
  fee: bigint;
  salt: number;
  at: bigint;
  capture: number;
  expires_at: bigint | null;
  reference: string | null;
  metadata: string | null;
};

/**
 * The state of each payment that was not captured as it was made, or has changed since. Primary key (number). Lists:
 * (tenant, status, number), (payer, status, number), (payee, status, number).
 */
export type PaymentStateRow = {
  number: bigint;
  tenant: string;
  payer: bigint;
  payee: bigint;
  status: number;
  captured: bigint;
  refunded: bigint;
  fee: bigint;
};

/**
 * The payments with manual capture, under both of their accounts: with the accounts' entries they are the list of an
 * account's payments. Primary key (account, number).
 */
export type AuthorizationRow = { account: bigint; number: bigint };

/**
 * Transfers, refunds, top-ups and payouts: found by id, never listed, so their answer is kept whole. Primary key
 * (number). `accounts` is a JSON array of the numbers of the accounts that it touches, for the policy; `body` the JSON
 * of the answer.
 */
export type MovementRow = {
  number: bigint;
  tenant: string;
  kind: number;
  salt: number;
  at: bigint;
  accounts: string;
  body: string;
};

/**
 * The time of the first event of each span of MILESTONE_SPAN revisions. Between a time and a revision, either way: what
 * earlier spans booked is of that time or before, what this span and later ones booked is of that time or after.
 * Primary key (shard, span); (shard, at, span).
 */
export type MilestoneRow = { shard: number; span: bigint; at: bigint };
export const MILESTONE_SPAN = 1024;

/** The position of a version of a projection. Primary key (projection, version, shard). */
export type CheckpointRow = { projection: string; version: number; shard: number; revision: bigint };

/** Which version of the models is served. Primary key (projection). `suffix` is "" or "_v<version>". */
export type ModelVersionRow = { projection: string; version: number; suffix: string };
