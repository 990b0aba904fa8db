import { Command } from "commander";
import { configCommand } from "./commands/config.ts";
import { importCommand } from "./commands/import.ts";
import { mirrorCommand } from "./commands/mirror.ts";
import { rebuildCommand } from "./commands/rebuild.ts";
import { simulateCommand } from "./commands/simulate.ts";
import { startCommand } from "./commands/start.ts";
import { statusCommand } from "./commands/status.ts";
import { tokenCommand } from "./commands/token.ts";
import { verifyCommand } from "./commands/verify.ts";

const introduction = `
A ledger keeps everything in one data folder (./data unless --data says otherwise) and is used over HTTP.

  ledger start                                        run it; it prints lines to paste
  ledger token --role operator                        a token for the API
  ledger status                                       does it serve, and how far is it
  ledger config check                                 the settings of services, and their connections
  ledger import berka transactions-1993.csv --check   a real bank's year, checked against the bank
  ledger rebuild models                               a projection anew from the log
  ledger verify                                       the read models compared with the log
  ledger mirror verify                                the mirror on the broker compared with the log
  ledger simulate --seed 7                            the whole ledger under faults, promises checked

Every command has --help with examples, and --json for one JSON document on stdout.
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a check is not met; start has more, see its help.`;

/** The `ledger` command. `finish` is called with the exit code of a command that ended by itself. */
export function createProgram(finish: (code: number) => void): Command {
  const program = new Command("ledger")
    .description("payledger: a payment ledger that remembers everything as events")
    .version("0.1.0")
    .addHelpText("after", introduction)
    .addCommand(startCommand())
    .addCommand(tokenCommand(finish))
    .addCommand(statusCommand(finish))
    .addCommand(configCommand(finish))
    .addCommand(importCommand(finish))
    .addCommand(rebuildCommand(finish))
    .addCommand(verifyCommand(finish))
    .addCommand(mirrorCommand(finish))
    .addCommand(simulateCommand(finish));
  inherit(program);
  return program;
}

/** Makes every command and subcommand throw usage errors instead of exiting, and point to the help. */
function inherit(command: Command): void {
  command.exitOverride().showHelpAfterError("(add --help for examples)").showSuggestionAfterError();
  for (const child of command.commands) inherit(child);
}
