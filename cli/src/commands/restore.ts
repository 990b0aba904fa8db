import { resolve } from "node:path";
import { Command, Option } from "commander";
import { LedgerError } from "ledger-core";
import { BackupFault, type BackupManifest, checkBackup, restoreBackup } from "standalone/backup";
import { createOutput, exitCodes } from "../output.ts";
import { createProgress } from "../progress.ts";

type RestoreFlags = { preview?: true; to?: string; json?: true };

const examples = `
Reads every event of a backup against its leaf, and the tree of all leaves and every other file against backup.json. A
damaged or interrupted backup is refused, and the place named. With --to, a data folder is then made of it beside the
target, checked again as it was copied, and renamed: the target is there whole or not at all, and nothing is ever
overwritten. The next ledger start on it rebuilds decision state and read models from the log.

Examples:
  ledger restore /backups/2026-11-27 --preview
  ledger restore /backups/2026-11-27 --to /srv/ledger-restored

Exit codes: 0 done; 1 failed; 2 wrong usage, or the target is not empty; 3 the backup is damaged or interrupted.`;

/** `ledger restore`: checks a backup, and makes a data folder of it. */
export function restoreCommand(finish: (code: number) => void): Command {
  return new Command("restore")
    .description("check a backup, and make a data folder of it")
    .argument("<backup>", "the folder that ledger backup wrote")
    .addOption(new Option("--preview", "only check it, and say what it holds").conflicts("to"))
    .option("--to <folder>", "the data folder to make; new or empty")
    .option("--json", "print one JSON document")
    .addHelpText("after", examples)
    .action(async (backup: string, flags: RestoreFlags) => {
      const output = createOutput(flags.json ?? false);
      const progress = createProgress({ to: process.stderr });
      try {
        progress.begin("checking events", 0);
        const manifest = await work(resolve(backup), flags, progress.advance);
        progress.end();
        output.result({ backup, ...manifest, restoredTo: flags.to ?? null }, lines(backup, flags.to, manifest));
        finish(exitCodes.ok);
      } catch (error) {
        progress.end();
        if (!(error instanceof BackupFault)) throw error;
        output.result({ backup, refused: { place: error.place, message: error.message } }, [
          `refused: ${error.message}`,
        ]);
        finish(exitCodes.checkNotMet);
      }
    });
}

function work(backup: string, flags: RestoreFlags, onEvents: (events: number) => void): Promise<BackupManifest> {
  if (flags.preview) return checkBackup(backup, onEvents);
  if (flags.to === undefined) throw new LedgerError("config", "name --to <folder>, or --preview to only check it");
  return restoreBackup(backup, flags.to, onEvents);
}

function lines(backup: string, to: string | undefined, { created, shards, files }: BackupManifest): string[] {
  return [
    `${backup}: intact, made ${created}`,
    ...shards.map(({ shard, head, root }) => `  shard ${shard}: ${head + 1} events, to ${shard}:${head}; root ${root}`),
    ...Object.entries(files).map(([name, { bytes }]) => `  ${name}: ${bytes} bytes`),
    to === undefined ? "nothing was changed" : `restored to ${to}: ledger start --data ${to}`,
  ];
}
