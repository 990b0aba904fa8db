import { resolve } from "node:path";
import { defaultRails, parseRails, railsForm, railsSetting } from "command-service";
import { Command, InvalidArgumentError } from "commander";
import {
  createLogger,
  integer,
  logLevels,
  oneOf,
  optionalText,
  quotaSettings,
  readSettings,
  stopOnSignals,
  stopWithParent,
} from "ledger-core/process";
import { startStandalone } from "standalone";
import { startFaults } from "standalone/start-fault";
import { wholeNumber } from "../arguments.ts";
import { createOutput } from "../output.ts";
import { createProgress } from "../progress.ts";
import { DEFAULT_DATA, DEFAULT_HOST, DEFAULT_PORT } from "../settings.ts";
import { greeting } from "./greeting.ts";
import { serviceCommands } from "./start-service.ts";

type StartFlags = {
  data: string;
  port: number;
  host: string;
  rails?: readonly string[];
  keyFilterMib?: number;
  acceptClock?: true;
  json?: true;
};

/** Memory for the filters of idempotency keys: enough for 200 million keys at one disk read per 50 new ones. */
const KEY_FILTER_MIB = { min: 0, max: 65_536, otherwise: 256 };

function rails(text: string): readonly string[] {
  const value = parseRails(text);
  if (value === undefined) throw new InvalidArgumentError(`It ${railsForm}.`);
  return value;
}

/** The API promises that a stop ends within 10 s. */
const STOP_BOUND_MS = 10_000;

const examples = `
Examples:
  ledger start                               on ./data and port 8080
  ledger start --data /srv/ledger --port 0   on a port that is free; it says which
  ledger start query-service                 one service as a process of its own, set by the environment
  ledger start all                           each service as a process of its own

Ctrl-C or SIGTERM stops it in order: it accepts no more, answers what it accepted, closes its files. A second one,
later, ends it at once.
A clock more than 30 days after the last event, or set more than 30 days ahead while it serves, is not followed: it says
so in /readyz and in its log, and answers commands with 503 until the clock is right. After a longer rest, or a right
correction, start it with --accept-clock.
With 1.3 bytes of memory per idempotency key ever used, nearly no new key costs a read from disk; with less there are
more reads, and the same answers.
LEDGER_RAILS names the payment rails like --rails does, LEDGER_KEY_FILTER_MIB sets that memory like --key-filter-mib.
QUOTA_CALLER=600/60 and QUOTA_TENANT limit the requests per seconds of a caller and of a tenant; by default, nothing
does.
LEDGER_LOG_LEVEL (${logLevels.join(", ")}) sets what it logs to stderr; warn by default.

The history is written as Delta tables into the data folder, each event once; EXPORT=none switches that off, and the
other EXPORT settings are those of ledger start export (docs/analytics.md).

Exit codes: 0 stopped; 1 failed, or the stop took over ${STOP_BOUND_MS / 1000} s; 2 usage;
${Object.entries(startFaults)
  .map(([kind, code]) => `${code} ${kind.replace("_", " ")}`)
  .join("; ")}; 130 ended at once.`;

/**
 * `ledger start`: runs every service in this process, on one data folder, until a signal. `ledger start <service>` runs
 * one of them.
 */
export function startCommand(): Command {
  const command = new Command("start")
    .description("run the whole ledger on a data folder, or one of its services")
    .option("--data <dir>", "the data folder; made when there is none", DEFAULT_DATA)
    .option("--port <port>", "where to listen; 0: any free port", wholeNumber(0, 65_535), DEFAULT_PORT)
    .option("--host <address>", "the address to listen on; another only behind something that adds TLS", DEFAULT_HOST)
    .option(
      "--rails <names>",
      `the payment rails there are (default: LEDGER_RAILS, else ${defaultRails.join(",")})`,
      rails,
    )
    .option(
      "--key-filter-mib <mib>",
      "memory that tells new idempotency keys without a disk read " +
        `(default: LEDGER_KEY_FILTER_MIB, else ${KEY_FILTER_MIB.otherwise})`,
      wholeNumber(KEY_FILTER_MIB.min, KEY_FILTER_MIB.max),
    )
    .option("--accept-clock", "the clock is right, though it is more than 30 days after the last event")
    .option("--json", "print one JSON document when it listens, instead of the greeting")
    .addHelpText("after", examples)
    .action(async (flags: StartFlags) => {
      const settings = readSettings({
        LEDGER_LOG_LEVEL: oneOf(logLevels, "warn"),
        LEDGER_RAILS: railsSetting,
        ...quotaSettings,
        LEDGER_KEY_FILTER_MIB: integer(KEY_FILTER_MIB),
        npm_lifecycle_event: optionalText(),
      });
      const logger = createLogger({ level: settings.LEDGER_LOG_LEVEL, name: "payledger" });
      const dataDir = resolve(flags.data);
      const progress = createProgress({ to: process.stderr });
      const server = await startStandalone({
        dataDir,
        port: flags.port,
        host: flags.host,
        rails: flags.rails ?? settings.LEDGER_RAILS,
        writer: {
          keys: { filterBytes: (flags.keyFilterMib ?? settings.LEDGER_KEY_FILTER_MIB) * 2 ** 20 },
          ...(flags.acceptClock ? { acceptClock: true } : {}),
        },
        quotas: {
          ...(settings.QUOTA_CALLER && { caller: settings.QUOTA_CALLER }),
          ...(settings.QUOTA_TENANT && { tenant: settings.QUOTA_TENANT }),
        },
        logger,
        exported: {},
        onProgress: progress.note,
      });
      stopOnSignals({ stop: server.stop, boundMs: STOP_BOUND_MS, logger });
      if (settings.npm_lifecycle_event !== undefined) stopWithParent();
      const output = createOutput(flags.json ?? false);
      output.result({ url: server.url, data: dataDir, pid: process.pid }, greeting(server.url, flags.data, dataDir));
    });
  for (const service of serviceCommands()) command.addCommand(service);
  return command;
}
