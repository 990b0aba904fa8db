import { ImpossibleEvent, isLedgerError } from "ledger-core";

/** The reasons why a ledger does not start on its folder and port, each with its own exit code. */
export const startFaults = {
  folder_locked: 4,
  port_taken: 5,
  folder_damaged: 6,
  folder_newer: 7,
  folder_unwritable: 8,
  folder_absent: 9,
  log_impossible: 10,
} as const;
type StartFaultKind = keyof typeof startFaults;

/** A failed start; `message` says what is wrong and what to do. */
export class StartFault extends Error {
  readonly kind: StartFaultKind;
  constructor(kind: StartFaultKind, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "StartFault";
    this.kind = kind;
  }
}

/** The start fault behind an error of the operating system or of a store; any other error is returned unchanged. */
export function startFaultOf(error: unknown, context: { dataDir: string; port?: number }): unknown {
  if (error instanceof StartFault) return error;
  const folder = `the data folder ${context.dataDir}`;
  if (isLedgerError(error, "locked")) {
    return new StartFault("folder_locked", `${folder} is in use by another process: stop it first`, error);
  }
  if (isLedgerError(error, "incompatible")) {
    return new StartFault(
      "folder_newer",
      `${folder} was written by another version of the ledger: ${error.message}`,
      error,
    );
  }
  if (isLedgerError(error, "log_corrupt") && error.cause instanceof ImpossibleEvent) {
    const advice = "no ledger wrote such a log: restore it from a copy";
    return new StartFault(
      "log_impossible",
      `the event log in ${folder} is impossible: ${error.message}; ${advice}`,
      error,
    );
  }
  if (isLedgerError(error, "log_corrupt")) {
    return new StartFault("folder_damaged", `${folder} is damaged: ${error.message}`, error);
  }
  if (isLedgerError(error, "log_unavailable")) {
    return new StartFault("folder_unwritable", `${folder} cannot be written: ${error.message}`, error);
  }
  if (error instanceof Error && "syscall" in error && error.syscall === "listen" && errorCode(error) === "EACCES") {
    return new StartFault(
      "port_taken",
      `port ${context.port} may not be used by this user: choose another --port`,
      error,
    );
  }
  switch (errorCode(error)) {
    case "EADDRINUSE":
      return new StartFault(
        "port_taken",
        `port ${context.port} is taken: stop what listens there, or choose another --port`,
        error,
      );
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return new StartFault("folder_unwritable", `${folder} cannot be written: ${messageOf(error)}`, error);
    case "ENOTDIR":
    case "EEXIST":
      return new StartFault("folder_unwritable", `${folder} is not a folder: ${messageOf(error)}`, error);
    default:
      return error;
  }
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
