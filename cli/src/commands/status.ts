import { Command } from "commander";
import { LedgerError } from "ledger-core";
import { httpUrl } from "../arguments.ts";
import { ApiProblem, createClient, type LedgerClient } from "../import/client.ts";
import { asObject, listOf, textOf } from "../import/json.ts";
import { createOutput, exitCodes } from "../output.ts";
import { resolveAccess } from "../settings.ts";

type StatusFlags = { url?: string; data?: string; json?: true };

const examples = `
Examples:
  ledger status
  ledger status --url http://127.0.0.1:9000 --json

Exit codes: 0 it serves; 1 it does not, or cannot be reached.`;

/** `ledger status`: whether a running ledger serves, and the positions of its log and projections. */
export function statusCommand(finish: (code: number) => void): Command {
  return new Command("status")
    .description("tell whether a running ledger serves, and how far log and projections are")
    .option("--url <url>", "where the ledger listens (default: the server on the data folder)", httpUrl)
    .option("--data <dir>", "the data folder of the server (default: LEDGER_TOKEN, else ./data)")
    .option("--json", "print one JSON document")
    .addHelpText("after", examples)
    .action(async (flags: StatusFlags) => {
      const access = await resolveAccess({ ...flags, sub: "status", role: "platform" });
      const readiness = await readReadiness(access.url);
      const positions = await readPositions(createClient({ ...access, patienceMs: 0 }));
      const document = { url: access.url, ...readiness, ...positions };
      createOutput(flags.json ?? false).result(document, statusLines(document));
      finish(readiness.status === "ready" ? exitCodes.ok : exitCodes.failure);
    });
}

type Readiness = { readonly status: string; readonly checks: readonly unknown[] };
type Positions = { readonly log: readonly unknown[]; readonly projections: readonly unknown[] };

async function readReadiness(url: string): Promise<Readiness> {
  const response = await fetch(new URL("/readyz", url)).catch((error: unknown) => {
    throw new LedgerError("store_unavailable", `no ledger answers at ${url}`, { retryable: true, cause: error });
  });
  const body: unknown = await response.json().catch(() => null);
  return { status: textOf(body, "status") ?? "unknown", checks: listOf(body, "checks") };
}

/** Only `standalone` has this route; otherwise each service reports its own position in its metrics. */
async function readPositions(client: LedgerClient): Promise<Positions> {
  try {
    const { body } = await client.get("/admin/positions");
    return { log: listOf(body, "log"), projections: listOf(body, "projections") };
  } catch (error) {
    if (error instanceof ApiProblem) return { log: [], projections: [] };
    throw error;
  }
}

function statusLines(document: Readiness & Positions & { url: string }): readonly string[] {
  const checks = document.checks
    .map(asObject)
    .map(({ name, ready, detail }) => `  ${name}: ${ready ? "ready" : "NOT READY"}, ${detail}`);
  const log = document.log.map(asObject).map(({ shard, head }) => `  log of shard ${shard}: head at ${head}`);
  const projections = document.projections
    .map(asObject)
    .map(({ name, shard, revision }) => `  ${name}, shard ${shard}: at ${revision}`);
  return [`${document.url}: ${document.status}`, ...checks, ...log, ...projections];
}
