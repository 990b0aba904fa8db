import { configurationPart } from "./configuration.ts";
import { documented, integer, oneOf, optionalText, textOr } from "./env.ts";
import { type LogLevel, logLevels } from "./log.ts";
import { dataDir } from "./targets.ts";

/** An address to listen on. */
export type Listening = { readonly host: string; readonly port: number };

const portSetting = (otherwise: number) => integer({ min: 0, max: 65_535, otherwise });

/** Log level and operations address of a service. */
export type Operations = {
  readonly logLevel: LogLevel;
  readonly operations: Listening;
  /** Whether the service stops when its parent does, because npm does not forward signals. */
  readonly endsWithParent: boolean;
};

/** @param port the service's own default */
export function operationsPart(port: number) {
  return configurationPart({
    settings: {
      LEDGER_LOG_LEVEL: documented(`How much is logged: ${logLevels.join(", ")}.`, oneOf(logLevels, "warn")),
      LEDGER_OPERATIONS_HOST: documented("Where /livez, /readyz and /metrics are served.", textOr("127.0.0.1")),
      LEDGER_OPERATIONS_PORT: documented("Their port; 0: any free one.", portSetting(port)),
      npm_lifecycle_event: optionalText(),
    },
    build: (values): Operations => ({
      logLevel: values.LEDGER_LOG_LEVEL,
      operations: { host: values.LEDGER_OPERATIONS_HOST, port: values.LEDGER_OPERATIONS_PORT },
      endsWithParent: values.npm_lifecycle_event !== undefined,
    }),
  });
}

/** @param port the service's own default */
export function apiPart(port: number) {
  return configurationPart({
    settings: {
      LEDGER_HOST: documented("Where the API is served.", textOr("127.0.0.1")),
      LEDGER_PORT: documented("Its port; 0: any free one.", portSetting(port)),
    },
    build: ({ LEDGER_HOST, LEDGER_PORT }): Listening => ({ host: LEDGER_HOST, port: LEDGER_PORT }),
  });
}

export const dataPart = configurationPart({
  settings: { LEDGER_DATA: dataDir },
  build: ({ LEDGER_DATA }) => LEDGER_DATA,
});
