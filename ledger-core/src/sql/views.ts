import type { Knex } from "knex";
import { idDigits } from "../domain/ids.ts";
import {
  accountStatusCodes,
  accountTypeCodes,
  type Codes,
  captureCodes,
  entryTypeCodes,
  movementKindCodes,
  paymentStatusCodes,
} from "./codes.ts";
import { dialectOf } from "./dialect.ts";
import { tables } from "./tables.ts";

/** The readable views over the served build; docs/read-models.md describes their columns. */
const viewNames = ["v_accounts", "v_balances", "v_entries", "v_payments", "v_movements"] as const;
type ViewName = (typeof viewNames)[number];

/** Statements that let the views show the build with this suffix, whatever they showed before. */
export function viewTexts(db: Knex, suffix: string): string[] {
  const selects = selectsOf(db, (name) => `\`${tables[name]}${suffix}\``);
  return viewNames.flatMap((view) =>
    dialectOf(db) === "sqlite"
      ? [`DROP VIEW IF EXISTS ${view}`, `CREATE VIEW ${view} AS ${selects[view]}`]
      : [`CREATE OR REPLACE VIEW ${view} AS ${selects[view]}`],
  );
}

type TableText = (name: keyof typeof tables) => string;

function selectsOf(db: Knex, table: TableText): Readonly<Record<ViewName, string>> {
  const text = textsOf(db);
  const accountId = (alias: string) => text.id("'acct_'", `${alias}.opened_at`, `${alias}.number`, `${alias}.salt`);
  const numberOfEntry = "(e.account - (e.account & 1099511627775) + e.revision)";
  return {
    v_accounts: `SELECT ${accountId("a")} AS id, a.tenant, a.owner, ${word("a.type", accountTypeCodes)} AS type,
      ${word("a.status", accountStatusCodes)} AS status, a.currency, a.display_name, a.time_zone, a.floor,
      a.per_transaction, a.per_day, ${text.time("a.opened_at")} AS opened_at, a.metadata, a.number
      FROM ${table("accounts")} a`,
    v_balances: `SELECT ${accountId("a")} AS account, a.tenant, a.owner, a.currency,
      COALESCE(t.posted, 0) AS posted, COALESCE(${held(table)}, 0) AS held,
      COALESCE(t.posted, 0) - COALESCE(${held(table)}, 0) AS available, a.number
      FROM ${table("accounts")} a LEFT JOIN (
        SELECT d.account, SUM(d.billions) * 1000000000 + SUM(d.units) AS posted
        FROM ${table("dailyTotals")} d GROUP BY d.account) t ON t.account = a.number`,
    v_entries: `SELECT ${text.id("'ent_'", "e.at", numberOfEntry, "e.idx")} AS id, ${accountId("a")} AS account,
      a.tenant, a.owner, ${text.time("e.at")} AS booked_at, ${text.date("e.day")} AS effective_date, e.amount,
      e.balance AS balance_after, a.currency, ${word("e.type", entryTypeCodes)} AS type,
      ${accountId("c")} AS counterparty, c.owner AS counterparty_owner, c.display_name AS counterparty_name,
      e.reference, CASE WHEN e.source IS NULL
        THEN ${text.id(prefix("e.type", entryTypeCodes), "e.at", numberOfEntry, "e.salt")}
        ELSE ${text.id("'pay_'", "p.at", "p.number", "p.salt")} END AS source,
      e.revision, a.number AS account_number
      FROM ${table("entries")} e JOIN ${table("accounts")} a ON a.number = e.account
      JOIN ${table("accounts")} c ON c.number = e.counterparty
      LEFT JOIN ${table("payments")} p ON p.tenant = a.tenant AND p.number = e.source`,
    v_payments: `SELECT ${text.id("'pay_'", "p.at", "p.number", "p.salt")} AS id, p.tenant,
      ${accountId("a")} AS payer, a.owner AS payer_owner, ${accountId("b")} AS payee, b.owner AS payee_owner,
      b.display_name AS payee_name, p.amount, a.currency,
      CASE WHEN s.number IS NULL THEN 'captured' ELSE ${word("s.status", paymentStatusCodes)} END AS status,
      COALESCE(s.captured, p.amount) AS captured, COALESCE(s.refunded, 0) AS refunded, COALESCE(s.fee, p.fee) AS fee,
      ${word("p.capture", captureCodes)} AS capture, p.reference, p.metadata, ${text.time("p.at")} AS created_at,
      ${text.time("p.expires_at")} AS expires_at, p.number
      FROM ${table("payments")} p LEFT JOIN ${table("paymentStates")} s ON s.number = p.number
      JOIN ${table("accounts")} a ON a.number = p.payer JOIN ${table("accounts")} b ON b.number = p.payee`,
    v_movements: `SELECT ${text.id(prefix("m.kind", movementKindCodes), "m.at", "m.number", "m.salt")} AS id, m.tenant,
      ${word("m.kind", movementKindCodes)} AS kind, ${text.time("m.at")} AS booked_at, m.body, m.number
      FROM ${table("movements")} m`,
  };
}

/** The amount held on account `a` now. */
function held(table: TableText): string {
  return `(SELECT h.held FROM ${table("holdChanges")} h WHERE h.account = a.number ORDER BY h.revision DESC LIMIT 1)`;
}

/** A code as its word; NULL for a code that there is not. */
function word(column: string, { words }: Codes<string>): string {
  return `CASE ${column} ${words.map((one, code) => `WHEN ${code} THEN '${one}'`).join(" ")} END`;
}

const prefixes: Readonly<Record<string, string>> = {
  payment: "pay_",
  refund: "rfd_",
  transfer: "txf_",
  "top-up": "top_",
  payout: "pyt_",
};

function prefix(column: string, { words }: Codes<string>): string {
  return `CASE ${column} ${words.map((one, code) => `WHEN ${code} THEN '${prefixes[one]}'`).join(" ")} END`;
}

/** Expressions that differ between SQLite and MySQL. */
type Texts = {
  id(prefix: string, at: string, number: string, salt: string): string;
  /** A UTC time with microseconds. */
  time(at: string): string;
  date(day: string): string;
};

function textsOf(db: Knex): Texts {
  const sqlite = dialectOf(db) === "sqlite";
  const concat = (parts: readonly string[]) => (sqlite ? `(${parts.join(" || ")})` : `CONCAT(${parts.join(", ")})`);
  return {
    // 48 bits of milliseconds, 50 of shard and revision, 30 of salt: each begins with a character.
    id: (prefix, at, number, salt) => {
      const ms = sqlite ? `(${at} / 1000)` : `(${at} DIV 1000)`;
      return concat([prefix, ...digits(ms, 10), ...digits(number, 10), ...digits(salt, 6)]);
    },
    time: (at) =>
      sqlite
        ? `(strftime('%Y-%m-%d %H:%M:%S', ${at} / 1000000, 'unixepoch') || printf('.%06d', ${at} % 1000000))`
        : `(CAST('1970-01-01' AS DATETIME(6)) + INTERVAL ${at} MICROSECOND)`,
    date: (day) =>
      sqlite
        ? `(substr(${day}, 1, 4) || '-' || substr(${day}, 5, 2) || '-' || substr(${day}, 7, 2))`
        : `STR_TO_DATE(${day}, '%Y%m%d')`,
  };
}

/** The characters of a number in base 32, most significant first. */
function digits(number: string, length: number): string[] {
  return Array.from({ length }, (_, n) => {
    const bits = 5 * (length - 1 - n);
    return `substr('${idDigits}', ((${number} >> ${bits}) & 31) + 1, 1)`;
  });
}
