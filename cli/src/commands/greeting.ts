import { resolve } from "node:path";
import { DEFAULT_DATA } from "../settings.ts";

/**
 * The greeting of a started ledger: its address and data folder, and commands to paste that open two accounts, top one
 * up, pay and read the history. They have fixed keys, so that pasting them twice shows the same answers and books
 * nothing more.
 */
export function greeting(url: string, data: string, dataDir: string): readonly string[] {
  const option = resolve(data) === resolve(DEFAULT_DATA) ? "" : ` --data ${quote(dataDir)}`;
  const post = (route: string, key: string, body: string) =>
    `curl -sS -w '\\n' ${url}${route} -H "$AUTH" -H "$JSON" -H 'Idempotency-Key: ${key}' -d ${body}`;
  const open = (owner: string, type: string) =>
    post("/v1/accounts", `try-open-${owner}`, `'{"type":"${type}","currency":"HKD","owner":"${owner}"}'`) +
    " | grep -o 'acct_[0-9a-z]*'";
  return [
    `payledger listens on ${url} (API reference: ${url}/docs)`,
    `its data is in ${dataDir}`,
    "",
    "Tokens come from this folder in another terminal:",
    `  npx ledger token --role operator${option}`,
    `  npx ledger token --role consumer --owner alice${option}`,
    "",
    "To try it, paste there two accounts and a top-up:",
    "",
    `AUTH="Authorization: Bearer $(npx ledger token --role operator${option})"; JSON='Content-Type: application/json'`,
    `ALICE=$(${open("alice", "wallet")})`,
    `NOODLES=$(${open("noodles", "merchant")})`,
    post("/v1/top-ups", "try-top-up", `'{"account":"'$ALICE'","amount":"10000","currency":"HKD","rail":"fps"}'`),
    "",
    "then a payment:",
    "",
    post("/v1/payments", "try-payment", `'{"payer":"'$ALICE'","payee":"'$NOODLES'","amount":"1250","currency":"HKD"}'`),
    "",
    "and her history:",
    "",
    `curl -sS -w '\\n' ${url}/v1/accounts/$ALICE/entries -H "$AUTH"`,
    "",
    "Ctrl-C stops it.",
  ];
}

function quote(text: string): string {
  return /^[A-Za-z0-9_./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
