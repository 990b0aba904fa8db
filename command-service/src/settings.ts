import { LedgerError } from "ledger-core";
import { integer, logLevels, oneOf, readSettings, requiredText, textOr } from "ledger-core/process";
import { defaultRails, parseRails } from "./http/rails.ts";

/** The settings of the command-service as a process of its own. @throws LedgerError config */
export function readCommandSettings() {
  const settings = readSettings({
    /** The data folder, which projections and queries share. */
    LEDGER_DATA: requiredText(),
    /** The payment rails that top-ups and payouts may name, separated by commas. 1 to 50; default fps,card,bank. */
    LEDGER_RAILS: textOr(defaultRails.join()),
    /** Confirms a clock that is more than 30 days after the last event. Default false. */
    LEDGER_ACCEPT_CLOCK: oneOf(["true", "false"], "false"),
    /** Where commands are served; 0: any free port. Default 127.0.0.1 and 8081. */
    LEDGER_HOST: textOr("127.0.0.1"),
    LEDGER_PORT: integer({ min: 0, max: 65_535, otherwise: 8081 }),
    LEDGER_LOG_LEVEL: oneOf(logLevels, "warn"),
  });
  const rails = parseRails(settings.LEDGER_RAILS);
  if (!rails) throw new LedgerError("config", "LEDGER_RAILS must name 1 to 50 rails, each once");
  return { ...settings, rails };
}
