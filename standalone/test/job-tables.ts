import { readFileSync } from "node:fs";
import { makePseudonyms } from "analytics-export";
import { type WrittenRow, writeGold } from "analytics-export/testing";
import { type AccountId, type GoldTableName, parseId } from "ledger-core";
import { dataPaths } from "ledger-core/process";

const sales = { payments: 3n, gross: 3650n, refunds: 1n, refunded: 250n, net: 3400n, customers: 2n };
const month = "2026-11-01";

type Write = (table: GoldTableName, rows: readonly WrittenRow[]) => Promise<void>;

/**
 * Makes the tables that jobs would compute for one merchant, as of the event at this revision. Default: in the lake of
 * the data folder.
 */
export async function writeReports(
  data: string,
  merchant: string,
  revision: number,
  write: Write = (table, rows) => writeGold(dataPaths(data).lake, table, rows),
): Promise<void> {
  const { exportKey } = dataPaths(data);
  const names = makePseudonyms(readFileSync(exportKey, "utf8").trim(), "payledger");
  const account: AccountId | undefined = parseId("acct", merchant);
  if (!account) throw new Error(`${merchant} is no account`);
  const whose = { tenant: names.of("tenant", "default"), merchant: names.of("account", account), currency: "HKD" };
  const days = ["2026-11-24", "2026-11-26"].map((date) => ({ ...whose, date, ...sales }));
  await write("merchant_daily_sales", days);
  const summary = { ...sales, payments: 6n, gross: 7300n, refunds: 2n, refunded: 500n, net: 6800n, customers: 3n };
  const months = [{ ...whose, month, ...summary, new_customers: 2n, average: 1216n }];
  await write("merchant_monthly_summary", months);
  const customers = { customers: 3n, new_customers: 2n, returning_customers: 1n, repeat_payments: 4n };
  await write("merchant_customers", [{ ...whose, month, ...customers }]);
  await write(
    "report_positions",
    ["merchant_daily_sales", "merchant_monthly_summary", "merchant_customers"].map((table) => {
      return { table_name: table, shard: 0n, position: BigInt(revision), complete_to: "2026-11-24" };
    }),
  );
}
