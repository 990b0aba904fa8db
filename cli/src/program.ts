import { Command } from "commander";

const introduction = `
A ledger keeps everything in one data folder (./data unless --data says otherwise) and is used over HTTP.

  ledger start                                        run it; it prints lines to paste
  ledger token --role operator                        a token for the API
  ledger status                                       does it serve, and how far is it
  ledger config check                                 the settings of services, and their connections
  ledger migrate                                      the tables of read models on a MySQL server
  ledger import berka transactions-1993.csv --check   a real bank's year, checked against the bank
  ledger rebuild models                               rebuild a projection from the log
  ledger backup /backups/today                        copy what cannot be rebuilt, while it runs
  ledger restore /backups/today --preview             check a backup; --to <folder> makes a data folder of it
  ledger verify                                       the read models compared with the log
  ledger verify --stores                              every store of services compared with the log
  ledger mirror verify                                the mirror on the broker compared with the log
  ledger export status                                the exported tables: how far, how large
  ledger export snapshot --at 0:1000                  what they held as of a position, with a hash
  ledger export verify                                the exported tables compared with the log
  ledger simulate --seed 7                            the whole ledger under faults, promises checked

Every command has --help with examples, and --json for one JSON document on stdout.
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a check is not met; start has more, see its help.`;

type Finish = (code: number) => void;

/** Each command's module is loaded only if it is needed: most need little of the ledger, and start in half the time. */
const commands: Readonly<Record<string, (finish: Finish) => Promise<Command>>> = {
  start: async () => (await import("./commands/start.ts")).startCommand(),
  token: async (finish) => (await import("./commands/token.ts")).tokenCommand(finish),
  status: async (finish) => (await import("./commands/status.ts")).statusCommand(finish),
  config: async (finish) => (await import("./commands/config.ts")).configCommand(finish),
  migrate: async (finish) => (await import("./commands/migrate.ts")).migrateCommand(finish),
  import: async (finish) => (await import("./commands/import.ts")).importCommand(finish),
  rebuild: async (finish) => (await import("./commands/rebuild.ts")).rebuildCommand(finish),
  verify: async (finish) => (await import("./commands/verify.ts")).verifyCommand(finish),
  backup: async (finish) => (await import("./commands/backup.ts")).backupCommand(finish),
  restore: async (finish) => (await import("./commands/restore.ts")).restoreCommand(finish),
  mirror: async (finish) => (await import("./commands/mirror.ts")).mirrorCommand(finish),
  export: async (finish) => (await import("./commands/export.ts")).exportCommand(finish),
  simulate: async (finish) => (await import("./commands/simulate.ts")).simulateCommand(finish),
};

/**
 * The `ledger` command with the subcommand of this name, or with all of them.
 * @param finish is called with the exit code of a command that ends by itself
 */
export async function createProgram(name: string | undefined, finish: Finish): Promise<Command> {
  const program = new Command("ledger")
    .description("payledger: a payment ledger that remembers everything as events")
    .version("0.1.0")
    .addHelpText("after", introduction);
  const named = name === undefined || !Object.hasOwn(commands, name) ? undefined : commands[name];
  for (const make of named ? [named] : Object.values(commands)) program.addCommand(await make(finish));
  inherit(program);
  return program;
}

/** Makes every command and subcommand throw usage errors instead of exiting, and point to the help. */
function inherit(command: Command): void {
  command.exitOverride().showHelpAfterError("(add --help for examples)").showSuggestionAfterError();
  for (const child of command.commands) inherit(child);
}
