import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { exportPart } from "analytics-export/settings";
import { isLedgerError, LedgerError } from "ledger-core";
import {
  brokerPart,
  createLogger,
  type Logger,
  optionalText,
  readConfiguration,
  readSettings,
  type ServiceProcess,
  stopOnSignals,
  stopWithParent,
} from "ledger-core/process";
import { exitCodes } from "../output.ts";

/** Each service stops within 10 s, and they stop one after the other. */
const STOP_BOUND_MS = 45_000;

type Child = { readonly name: string; readonly process: ChildProcess; readonly ended: Promise<Child> };

/**
 * `ledger start all`: runs each service as a process of its own until a signal; then they stop in order, the first in
 * the list first. If one ends by itself, the others are stopped, and the exit code is not 0.
 */
export async function startAll(services: readonly ServiceProcess[]): Promise<void> {
  const logger = createLogger({ name: "all", level: "info" });
  const chosen = readAll(services, logger);
  if (chosen === undefined) return;
  const children = chosen.map(({ name }) => startChild(name));
  let stopping = false;
  const stop = async () => {
    stopping = true;
    const failed: string[] = [];
    for (const child of children) if ((await endChild(child)) !== exitCodes.ok) failed.push(howEnded(child));
    if (failed.length > 0) throw new Error(failed.join("; "));
  };
  const forget = stopOnSignals({ stop, boundMs: STOP_BOUND_MS, logger });
  if (readSettings({ npm_lifecycle_event: optionalText() }).npm_lifecycle_event !== undefined) stopWithParent();
  const first = await Promise.race(children.map(({ ended }) => ended));
  if (stopping) return;
  forget();
  logger.fatal({ service: first.name }, `${howEnded(first)}: the others are stopped; its own lines say why`);
  await stop().catch(() => undefined);
  process.exitCode = first.process.exitCode || exitCodes.failure;
}

/** The services to start; undefined if a setting is at fault, which is logged, and nothing is started then. */
function readAll(services: readonly ServiceProcess[], logger: Logger): readonly ServiceProcess[] | undefined {
  try {
    const read = readConfiguration({
      ...Object.fromEntries(services.map(({ name, part }) => [name, part])),
      broker: brokerPart,
      lake: exportPart,
    });
    for (const name of ["LEDGER_PORT", "LEDGER_OPERATIONS_PORT"]) refuseSharedPort(name);
    const unused = new Map([
      ["mirror", read.broker.kind === "none"],
      ["export", read.lake.kind === "none"],
    ]);
    return services.filter(({ name }) => unused.get(name) !== true);
  } catch (error) {
    if (!isLedgerError(error, "config")) throw error;
    logger.fatal({ code: error.code, err: error }, "the services do not start");
    process.exitCode = exitCodes.usage;
    return undefined;
  }
}

/** @throws LedgerError config if a port is set that every service would listen on */
function refuseSharedPort(name: string): void {
  const port = readSettings({ [name]: optionalText() })[name];
  if (port === undefined || port === "0") return;
  const advice = "each service has a default of its own, and 0 means any free port";
  throw new LedgerError("config", `${name} is one port, and several services would listen on it: unset it; ${advice}`);
}

/** In a process group of its own: Ctrl-C is for this process, which stops the services in order. */
function startChild(name: string): Child {
  const [, entry = ""] = process.argv;
  const child = spawn(process.execPath, [entry, "start", name], {
    // Over the channel a service learns that this process is gone.
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    detached: true,
  });
  const started: Child = { name, process: child, ended: once(child, "exit").then(() => started) };
  return started;
}

/** Stops a child if it runs. @returns its exit code; null if a signal ended it */
async function endChild({ process: child, ended }: Child): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
  await ended;
  return child.exitCode;
}

function howEnded({ name, process: { exitCode, signalCode } }: Child): string {
  return signalCode === null ? `${name} ended with exit code ${exitCode}` : `${name} was ended by ${signalCode}`;
}
