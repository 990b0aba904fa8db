import type { AccountId } from "../domain/ids.ts";

/** Whole numbers are 64 bits wide. */
export type GoldColumn = "text" | "whole" | "number" | "date";

/** A table that analytics jobs make from the exported history, as queries read it. */
type GoldTable = {
  /** The column that a query names; with `ofAccount`, the pseudonym of an account beside that of its tenant. */
  readonly key: string;
  readonly ofAccount: boolean;
  /** The column that orders the rows of a key; no two of them have the same. */
  readonly order: string;
  readonly columns: Readonly<Record<string, GoldColumn>>;
};

const sales = {
  currency: "text",
  payments: "whole",
  gross: "whole",
  refunds: "whole",
  refunded: "whole",
  net: "whole",
  customers: "whole",
} as const;

const ofMerchant = { key: "merchant", ofAccount: true } as const;

export const goldTables = {
  merchant_daily_sales: { ...ofMerchant, order: "date", columns: { date: "date", ...sales } },
  merchant_monthly_summary: {
    ...ofMerchant,
    order: "month",
    columns: { month: "date", ...sales, new_customers: "whole", average: "whole" },
  },
  merchant_customers: {
    ...ofMerchant,
    order: "month",
    columns: {
      month: "date",
      currency: "text",
      customers: "whole",
      new_customers: "whole",
      returning_customers: "whole",
      repeat_payments: "whole",
    },
  },
  recommendations: {
    key: "payer",
    ofAccount: true,
    order: "rank",
    columns: { merchant: "text", rank: "whole", score: "number", model_version: "text", events: "text" },
  },
  /** How far the other tables are: per table and shard, the last revision in it and the last date that is final. */
  report_positions: {
    key: "table_name",
    ofAccount: false,
    order: "shard",
    columns: { shard: "whole", position: "whole", complete_to: "date" },
  },
  recommendation_models: {
    key: "model_version",
    ofAccount: false,
    order: "model_version",
    columns: { model_version: "text", positions: "text" },
  },
} as const satisfies Readonly<Record<string, GoldTable>>;

export type GoldTableName = keyof typeof goldTables;

/** Whole numbers are bigint, dates are text like `2026-11-27`. */
export type GoldCell = string | bigint | number | null;
export type GoldRow = Readonly<Record<string, GoldCell>>;

export type GoldQuery = {
  readonly table: GoldTableName;
  readonly key: { readonly tenant: string; readonly account: AccountId } | { readonly text: string };
  /** Dates between which the ordering column is: from this one on, and before that one. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly order: "asc" | "desc";
  /** How many rows at most. 1 to 1024. */
  readonly limit: number;
};

/** The tables of analytics jobs: Delta files in a folder, or a SQL warehouse. */
export interface GoldTables {
  /**
   * The rows of a key in the asked order; undefined if nobody has made the table yet.
   * @throws LedgerError store_unavailable, store_damaged, row_unreadable, incompatible
   */
  rows(query: GoldQuery): Promise<readonly GoldRow[] | undefined>;
  /** The name that an account has in the tables. */
  pseudonymOf(account: AccountId): Promise<string>;
  close(): Promise<void>;
}
