import { CommanderError } from "commander";
import { isLedgerError } from "ledger-core";
import { StartFault, startFaults } from "standalone/start-fault";
import { failureText } from "./import/client.ts";
import { exitCodes } from "./output.ts";
import { createProgram } from "./program.ts";

try {
  const program = await createProgram(process.argv[2], (code) => {
    process.exitCode = code;
  });
  await program.parseAsync();
} catch (error) {
  process.exitCode = fail(error);
}

/** Reports why a command failed, on stderr and, with --json, also on stdout; returns the exit code. */
function fail(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  const message = error instanceof StartFault ? error.message : failureText(error);
  process.stderr.write(`ledger: ${message}\n`);
  if (process.argv.includes("--json")) process.stdout.write(`${JSON.stringify({ error: { message } })}\n`);
  if (error instanceof StartFault) return startFaults[error.kind];
  return isLedgerError(error, "config") ? exitCodes.usage : exitCodes.failure;
}
