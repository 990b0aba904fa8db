import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { seeded } from "ledger-core/testing/history";

const ledger = resolve(import.meta.dirname, "../../../../cli/bin/ledger.js");
/** The data set is not part of the project. */
const real = resolve(import.meta.dirname, "../../../../../shared/data/berka/transactions-1993.csv");

/** A bank's file, and a data folder into which it was imported. */
export type ImportedBank = { readonly file: string; readonly data: string };

/**
 * Imports a bank's year through the API of a ledger that exports it meanwhile: the real one where it is, or the file
 * that BANK_FILE names, else a made-up one.
 */
export async function importBank(folder: string): Promise<ImportedBank> {
  const given = process.env.BANK_FILE ?? real;
  const file = existsSync(given) ? given : madeUpBank(join(folder, "bank.csv"));
  const data = join(folder, "bank");
  const args = ["start", "--data", data, "--port", "0", "--json"];
  const server = spawn(process.execPath, [ledger, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(server, "exit");
  try {
    await Promise.race([once(server.stdout, "data"), ended.then(() => Promise.reject(new Error("the ledger ended")))]);
    const posted = spawn(process.execPath, [ledger, "import", "berka", file, "--data", data, "--check"], {
      stdio: "inherit",
    });
    const [code] = await once(posted, "exit");
    if (code !== 0) throw new Error(`the import ended with ${code}`);
    while (await isBehind(data)) await delay(1000);
  } finally {
    server.kill("SIGTERM");
    await ended;
  }
  return { file, data };
}

/** Whether a table lacks events of the log. */
async function isBehind(data: string): Promise<boolean> {
  const env = { ...process.env, LEDGER_DATA: data };
  const { stdout } = await promisify(execFile)(process.execPath, [ledger, "export", "status", "--json"], { env });
  const { tables }: Status = JSON.parse(stdout);
  return tables.some(({ positions }) => positions.some(({ behind }) => behind !== 0));
}

type Status = { readonly tables: readonly { readonly positions: readonly { readonly behind: number | null }[] }[] };

const ROWS = 600;
const CUSTOMERS = 30;

/** A small bank which, as the real one, keeps its own balances in tenths. */
function madeUpBank(file: string): string {
  const next = seeded(7);
  const balances = new Map<number, number>();
  const rows = Array.from({ length: ROWS }, (_, n) => {
    const account = 1 + next(CUSTOMERS);
    const day = new Date(Date.UTC(1993, 0, 1 + Math.floor((n * 365) / ROWS))).toISOString().slice(0, 10);
    const [isCredit, amount] = [next(10) < 6, 1 + next(500_000)];
    const balance = (balances.get(account) ?? 0) + (isCredit ? amount : -amount);
    balances.set(account, balance);
    const booking = isCredit ? "PRIJEM,VKLAD" : "VYDAJ,PREVOD NA UCET";
    const [other, figures] = [isCredit ? "," : `AB,${next(20)}`, [amount, balance - (balance % 10)].map(decimal)];
    return `${n + 1},${account},${day},${booking},${figures},,${other}`;
  });
  const header = "trans_id,account_id,date,type,operation,amount,balance,k_symbol,bank,account";
  writeFileSync(file, [header, ...rows, ""].join("\n"));
  return file;
}

function decimal(hellers: number): string {
  return (hellers / 100).toFixed(2);
}
