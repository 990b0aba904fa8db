import { Command } from "commander";
import { httpUrl, wholeNumber } from "../arguments.ts";
import { type ImportOutcome, importBerka } from "../import/berka.ts";
import { createClient } from "../import/client.ts";
import { faultLines, reportDocument, reportLines } from "../import/report.ts";
import { createOutput, exitCodes, type Output } from "../output.ts";
import { createProgress } from "../progress.ts";
import { resolveAccess } from "../settings.ts";

type ImportFlags = { url?: string; data?: string; check?: true; batch: number; patience: number; json?: true };

const examples = `
The files are CSV with the columns trans_id, account_id, date, type, operation, amount, balance, k_symbol, bank,
account. Every file is checked whole before anything is posted; then each row becomes a transfer through the public API,
between the customer's wallet (owner berka:<account_id>) and the counterparty's bank account, under the key
berka:<trans_id>. At the end all rows are read back and laid beside the bank's own balances. Run it again, after a crash
or without one: nothing is booked twice. --check fails unless the ledger holds each row once, as the file says, and sums
to zero; files that are known by their content (the bank's year 1993) must meet every figure of their description as
well.

Examples:
  ledger import berka transactions-1993.csv --check
  ledger import berka 1993.csv 1994.csv --url http://127.0.0.1:9000 --json
  LEDGER_TOKEN=… ledger import berka 1995.csv --url https://ledger.example

Exit codes: 0 done; 1 the files are broken, the ledger refused rows or cannot be reached; 2 usage;
3 a fact of --check is not met.`;

/** `ledger import`: one subcommand per kind of bank file. */
export function importCommand(finish: (code: number) => void): Command {
  return new Command("import")
    .description("bring a bank's file into a running ledger and compare the two")
    .addCommand(berkaCommand(finish));
}

function berkaCommand(finish: (code: number) => void): Command {
  return new Command("berka")
    .description("the transactions of a Czech bank (PKDD'99), as CSV with the bank's running balances")
    .argument("<file...>", "CSV files, in the order in which the bank booked them")
    .option("--url <url>", "where the ledger listens (default: the server on the data folder)", httpUrl)
    .option("--data <dir>", "the data folder whose key signs a token (default: LEDGER_TOKEN, else ./data)")
    .option("--check", "fail unless all holds that must hold of any rows, and all that is known of these")
    .option("--batch <rows>", "rows in one request", wholeNumber(1, 5000), 1000)
    .option("--patience <seconds>", "how long to wait for a server that is away", wholeNumber(1, 86_400), 60)
    .option("--json", "print one JSON document")
    .addHelpText("after", examples)
    .action(async (files: string[], flags: ImportFlags) => {
      const output = createOutput(flags.json ?? false);
      const progress = createProgress({ to: process.stderr });
      const access = await resolveAccess({ ...flags, sub: "berka-import", role: "operator" });
      const client = createClient({ ...access, patienceMs: flags.patience * 1000, onWait: progress.note });
      const outcome = await importBerka(client, { files, batch: flags.batch }, progress);
      finish(report(outcome, flags.check ?? false, output));
    });
}

function report(outcome: ImportOutcome, check: boolean, output: Output): number {
  if (outcome.kind !== "done") {
    const many = outcome.faults.length === 1 ? "1 fault" : `${outcome.faults.length} faults`;
    const what = outcome.kind === "broken" ? "nothing was imported" : "these rows were refused, the others are booked";
    process.stderr.write(`${[...faultLines(outcome.faults), `ledger: ${many}: ${what}`].join("\n")}\n`);
    if (output.json) output.result({ error: { message: what, faults: outcome.faults } }, []);
    return exitCodes.failure;
  }
  output.result(reportDocument(outcome.report), reportLines(outcome.report, check));
  if (outcome.report.comparison.faults.length > 0) return check ? exitCodes.checkNotMet : exitCodes.failure;
  return check && outcome.report.checks.some(({ met }) => !met) ? exitCodes.checkNotMet : exitCodes.ok;
}
