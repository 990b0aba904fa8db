import { embeddedEnvironment, embeddedExportCheck, exportPart, runExportThread } from "analytics-export/embedded";
import type { openLogThread } from "ledger-core/event-log";
import type { ReadinessCheck } from "ledger-core/http";
import { type Environment, type Logger, readConfiguration } from "ledger-core/process";
import { levelOf } from "./read-side.ts";

export type ExportSettings = {
  /** Default: that of the process. */
  readonly environment?: Environment;
  /** When the export starts, in ms. 0 to 600,000. Default 5000. */
  readonly startAfterMs?: number;
};

/**
 * Exports the history into the data folder, or where the environment says; undefined if it says nowhere.
 * @throws LedgerError config
 */
export function startExport(
  settings: ExportSettings,
  { dir, connect, shards, logger }: ExportedLedger,
): ReturnType<typeof runExportThread> | undefined {
  const environment = embeddedEnvironment(dir, settings.environment);
  if (readConfiguration({ lake: exportPart }, environment).lake.kind === "none") return undefined;
  return runExportThread({ ...settings, connect, shards, environment, logger, logLevel: levelOf(logger) });
}

type ExportedLedger = {
  readonly dir: string;
  readonly connect: Awaited<ReturnType<typeof openLogThread>>["connect"];
  readonly shards: number;
  readonly logger: Logger;
};

export function exportChecksOf(lake: ReturnType<typeof startExport>): readonly ReadinessCheck[] {
  return lake ? [embeddedExportCheck(lake)] : [];
}
