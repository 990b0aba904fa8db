import { Command, InvalidArgumentError, Option } from "commander";
import { type Role, roles } from "ledger-core";
import { embeddedIds, isSubject, isTenant, sessionOf, signToken, TOKEN_DAYS_MAX } from "ledger-core/http/tokens";
import { openDataFolder } from "standalone/data-folder";
import { duration } from "../arguments.ts";
import { createOutput, exitCodes } from "../output.ts";
import { DEFAULT_DATA, DEFAULT_TENANT } from "../settings.ts";

type TokenOptions = { role: Role; owner?: string; tenant: string; ttl: number; data: string; json?: true };

const examples = `
Examples:
  ledger token --role operator                   opens accounts, moves money, sees everything of its tenant
  ledger token --role consumer --owner alice     pays from alice's accounts and sees them
  ledger token --role merchant --owner noodles   captures and refunds payments to its accounts
  TOKEN=$(npx ledger token --role auditor)       reads everything, changes nothing
  ledger token --role platform                   /metrics and rebuilds; no tenant's data
  ledger token --role operator --json            with its id, for POST /v1/sessions/<id>/revoke

The token is signed with the key in the data folder; the server need not run, and may. Keep the folder's keys secret.

Exit codes: 0 printed; 2 usage; 6 to 8 the folder cannot be used (see ledger start --help).`;

/** `ledger token`: prints a token and nothing else. */
export function tokenCommand(finish: (code: number) => void): Command {
  return new Command("token")
    .description("print a token for the API")
    .addOption(new Option("--role <role>", "what the bearer may do").choices(roles).makeOptionMandatory())
    .option("--owner <owner>", "whose accounts a consumer or merchant may use (the token's sub)", subject)
    .option("--tenant <tenant>", "the tenant that it belongs to", tenant, DEFAULT_TENANT)
    .option("--ttl <duration>", "how long it is good: 90s, 15m, 12h, 30d", duration, 12 * 3600)
    .option("--data <dir>", "the data folder whose key signs it", DEFAULT_DATA)
    .option("--json", "print one JSON document")
    .addHelpText("after", examples)
    .action(async (options: TokenOptions, command: Command) => {
      const { role, tenant, ttl } = options;
      if (options.owner === undefined && (role === "consumer" || role === "merchant")) {
        command.error(`error: a ${role} needs --owner: whose accounts it may use`, { exitCode: exitCodes.usage });
      }
      if (ttl > TOKEN_DAYS_MAX * 86_400) {
        const tooLong = `error: a token is good for at most ${TOKEN_DAYS_MAX} days`;
        command.error(tooLong, { exitCode: exitCodes.usage });
      }
      const sub = options.owner ?? role;
      const { signingKeys } = await openDataFolder(options.data);
      const token = await signToken({ tenant, role, sub, ttlSeconds: ttl }, signingKeys);
      const expiresAt = new Date(Date.now() + ttl * 1000).toISOString();
      const { id } = sessionOf(token, embeddedIds);
      createOutput(options.json ?? false).result({ token, id, tenant, role, sub, expiresAt }, [token]);
      finish(exitCodes.ok);
    });
}

function subject(text: string): string {
  if (isSubject(text)) return text;
  throw new InvalidArgumentError(
    "It must be 1 to 64 letters, digits and ._:@-, and not begin with rail:, ledger: or transit:",
  );
}

function tenant(text: string): string {
  if (isTenant(text)) return text;
  throw new InvalidArgumentError("It must be 1 to 64 letters, digits and ._:@-");
}
