import { embeddedEnvironment } from "analytics-export/embedded";
import type { GoldFolderData } from "analytics-export/gold";
import { goldPart } from "analytics-export/gold-settings";
import { LedgerError } from "ledger-core";
import { type Environment, readConfiguration } from "ledger-core/process";

/** Default: the environment of the process. */
export type GoldSettings = { readonly environment?: Environment };

/** The folder where queries read the tables of analytics jobs; undefined for none. @throws LedgerError config */
export function goldFolderIn(dir: string, { environment }: GoldSettings): GoldFolderData | undefined {
  const { gold } = readConfiguration({ gold: goldPart }, embeddedEnvironment(dir, environment));
  if (gold.kind === "databricks")
    throw new LedgerError("config", "GOLD_TABLES is a warehouse, which only query-service as its own process reads");
  return gold.kind === "none" ? undefined : { folder: gold.folder, key: gold.key.reveal(), dataSet: gold.dataSet };
}
