import { integer, logLevels, oneOf, readSettings, requiredText, textOr } from "ledger-core/process";

/** Settings of the query-service's own process. @throws LedgerError config */
export function readQuerySettings() {
  return readSettings({
    /** The data folder. Only its read models and keys are read; nothing is written. */
    LEDGER_DATA: requiredText(),
    /** How many shards the log has. 1 to 1024. Default 1. */
    LEDGER_SHARDS: integer({ min: 1, max: 1024, otherwise: 1 }),
    /** Where queries are answered; 0: any free port. Default 127.0.0.1 and 8082. */
    LEDGER_HOST: textOr("127.0.0.1"),
    LEDGER_PORT: integer({ min: 0, max: 65_535, otherwise: 8082 }),
    LEDGER_LOG_LEVEL: oneOf(logLevels, "warn"),
  });
}
