import {
  embeddedEnvironment,
  exportPart,
  exportTables,
  type LakeComparison,
  openExport,
  unusedFiles,
  verifyTable,
} from "analytics-export";
import { Command } from "commander";
import { formatPosition, NO_REVISION } from "ledger-core";
import { openEventLogReader } from "ledger-core/engines";
import { eventLogPart, readConfiguration, shardsPart } from "ledger-core/process";
import { wholeNumber } from "../arguments.ts";
import { createOutput, exitCodes } from "../output.ts";
import { DEFAULT_DATA } from "../settings.ts";
import { exportSnapshotCommand } from "./export-snapshot.ts";
import { exportStatusCommand } from "./export-status.ts";

const HOUR_MS = 3_600_000;
/** A day: no commit takes that long. */
const OLDER_THAN_HOURS = 24;
const HOURS_MAX = 87_600;

const about = `
The environment names the log and the lake (EVENT_LOG, EXPORT, EXPORT_KEY, LEDGER_SHARDS), as for ledger start export;
without EXPORT it is the lake of the data folder (LEDGER_DATA, else ./data).`;

const verifyHelp = `${about}
Every row that the log should have given is made again and compared with the lake's, cell by cell, up to the revision
that a table says it holds. Nothing is changed or stopped; a table that is behind is compared as far as it is.

Examples:
  EXPORT=folder:/srv/lake EXPORT_KEY_FILE=/run/secrets/export-key ledger export verify
  ledger export verify --json

Exit codes: 0 the lake equals the log; 1 log or lake cannot be read; 2 unusable settings; 3 they differ.`;

const vacuumHelp = `${about}
A crash between a file and its commit leaves a file that no reader sees. Only such files are removed.

Examples:
  ledger export vacuum --dry-run
  ledger export vacuum --older-than-hours 48`;

/** `ledger export`: looks after the exported tables. */
export function exportCommand(finish: (code: number) => void): Command {
  const verify = new Command("verify")
    .description("compare the exported tables with the log, cell by cell")
    .option("--json", "print one JSON document")
    .addHelpText("after", verifyHelp)
    .action(async (flags: { json?: true }) => {
      const tables = await compareTables();
      const document = tables.map(({ sums, ...table }) => ({
        ...table,
        sums: Object.fromEntries(Object.entries(sums).map(([currency, sum]) => [currency, `${sum}`])),
      }));
      createOutput(flags.json ?? false).result({ tables: document }, tables.map(describe));
      finish(tables.every(({ fault }) => fault === null) ? exitCodes.ok : exitCodes.checkNotMet);
    });
  const vacuum = new Command("vacuum")
    .description("remove files that no commit of a table names")
    .option("--older-than-hours <hours>", "spare younger files", wholeNumber(1, HOURS_MAX), OLDER_THAN_HOURS)
    .option("--dry-run", "only list them")
    .option("--json", "print one JSON document")
    .addHelpText("after", vacuumHelp)
    .action(async (flags: { olderThanHours: number; dryRun?: true; json?: true }) => {
      const files = await vacuumTables(flags.olderThanHours * HOUR_MS, flags.dryRun ?? false);
      const verb = flags.dryRun ? "would be removed" : "removed";
      const lines = files.map(({ path, size }) => `${path}, ${size} bytes`);
      createOutput(flags.json ?? false).result({ files }, [...lines, `${files.length} files ${verb}`]);
      finish(exitCodes.ok);
    });
  return new Command("export")
    .description("look after the exported tables")
    .addCommand(exportStatusCommand(finish))
    .addCommand(exportSnapshotCommand(finish))
    .addCommand(verify)
    .addCommand(vacuum);
}

async function compareTables(): Promise<readonly LakeComparison[]> {
  const parts = { target: eventLogPart, lake: exportPart, shards: shardsPart };
  const { target, lake, shards } = readConfiguration(parts, embeddedEnvironment(DEFAULT_DATA));
  const opened = await openExport(lake);
  const log = await openEventLogReader(target);
  try {
    const comparisons: LakeComparison[] = [];
    for (const table of exportTables)
      for (let shard = 0; shard < shards; shard++)
        comparisons.push(await verifyTable({ ...opened, log, table, shard }));
    return comparisons;
  } finally {
    await log.close();
  }
}

async function vacuumTables(olderThanMs: number, dryRun: boolean) {
  const { lake } = await openExport(readConfiguration({ lake: exportPart }, embeddedEnvironment(DEFAULT_DATA)).lake);
  const nowMs = Date.now();
  const unused = await Promise.all(exportTables.map(({ name }) => unusedFiles(lake, name, { olderThanMs, nowMs })));
  const files = unused.flat();
  if (!dryRun) for (const { path } of files) await lake.remove(path);
  return files.map(({ path, size }) => ({ path, size }));
}

function describe({ table, shard, last, head, rows, sums, fault }: LakeComparison): string {
  const upTo = last === NO_REVISION ? "empty" : `up to ${formatPosition({ shard, revision: last })}`;
  const totals = Object.entries(sums).map(([currency, sum]) => `, ${currency} sums to ${sum}`);
  const verdict = fault === null ? "equal" : `DIFFERS: ${fault}`;
  return `${table}, shard ${shard}: ${verdict}; ${rows} rows ${upTo} of ${shard}:${head}${totals.join("")}`;
}
