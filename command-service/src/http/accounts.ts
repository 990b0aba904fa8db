import type { FastifyInstance } from "fastify";
import {
  type AccountId,
  type ClientCommand,
  type Currency,
  defaultFloor,
  type Limits,
  type Metadata,
  type OpenAccount,
  type OpenableAccountType,
  openableAccountTypes,
  parseId,
  parseTimeZone,
  type Rejection,
  reject,
} from "ledger-core";
import {
  accountSchema,
  amount,
  currency,
  freeText,
  metadata,
  owner,
  signedAmount,
  timeZone,
} from "ledger-core/http/schemas";
import { type CommandPorts, serveCommand } from "./route.ts";

type AccountRequest = {
  readonly type: OpenableAccountType;
  readonly currency: string;
  readonly owner: string;
  readonly displayName?: string;
  readonly timeZone?: string;
  readonly limits?: {
    readonly floor?: string | null;
    readonly perTransaction?: string | null;
    readonly perDay?: string | null;
  };
  readonly metadata?: Metadata;
};

const accountRequest = {
  type: "object",
  required: ["type", "currency", "owner"],
  properties: {
    type: { type: "string", enum: openableAccountTypes },
    currency,
    owner,
    displayName: { ...freeText(140), description: "Public; of merchants only." },
    timeZone: { ...timeZone, description: "Where the account's business days begin; UTC by default." },
    limits: {
      type: "object",
      description: "null: no limit.",
      properties: {
        floor: { ...signedAmount, type: ["string", "null"] },
        perTransaction: { ...amount, type: ["string", "null"] },
        perDay: { ...amount, type: ["string", "null"] },
      },
      additionalProperties: false,
    },
    metadata,
  },
  additionalProperties: false,
} as const;

const reasonRequest = {
  type: "object",
  required: ["reason"],
  properties: { reason: freeText(500) },
  additionalProperties: false,
} as const;

/** POST /v1/accounts and an operator's changes to an account. */
export function serveAccounts(app: FastifyInstance, ports: CommandPorts): void {
  const tag = "Accounts";
  serveCommand<AccountRequest>(app, ports, {
    url: "/v1/accounts",
    command: "OpenAccount",
    summary: "Open an account",
    tag,
    body: accountRequest,
    status: 201,
    answer: accountSchema,
    read: readAccount,
  });
  const changes = [
    ["freeze", "FreezeAccount", "Freeze an account: it takes credits and gives none"],
    ["unfreeze", "UnfreezeAccount", "Unfreeze an account"],
    ["close", "CloseAccount", "Close an empty account for ever"],
  ] as const;
  for (const [verb, command, summary] of changes)
    serveCommand<{ readonly reason: string }>(app, ports, {
      url: `/v1/accounts/:id/${verb}`,
      command,
      summary,
      tag,
      body: reasonRequest,
      status: 200,
      answer: accountSchema,
      read: ({ reason }, id) => withAccount(id, (account) => ({ type: command, account, reason })),
    });
}

function readAccount(body: AccountRequest): OpenAccount | Rejection {
  if (body.displayName !== undefined && body.type !== "merchant")
    return reject("invalid_request", "Only merchants have a display name, since it is public.", "/displayName");
  return {
    type: "OpenAccount",
    accountType: body.type,
    currency: body.currency as Currency,
    owner: body.owner,
    displayName: body.displayName ?? null,
    timeZone: parseTimeZone(body.timeZone) ?? "UTC",
    limits: readLimits(body),
    metadata: body.metadata ?? {},
  };
}

function readLimits({ type, limits = {} }: AccountRequest): Limits {
  const { floor, perTransaction, perDay } = limits;
  return {
    floor: floor === undefined ? defaultFloor(type) : amountOrNull(floor),
    perTransaction: amountOrNull(perTransaction),
    perDay: amountOrNull(perDay),
  };
}

function amountOrNull(digits: string | null | undefined): bigint | null {
  return digits === undefined || digits === null ? null : BigInt(digits);
}

/** Makes a command on an account; a malformed id is answered like an absent account. */
function withAccount(
  text: string,
  command: (account: AccountId) => ClientCommand,
  pointer?: string,
): ClientCommand | Rejection {
  const account = parseId("acct", text);
  return account === undefined ? absentAccount(pointer) : command(account);
}

/** The same answer for an absent account and for a malformed id. */
export function absentAccount(pointer?: string): Rejection {
  return reject("account_not_found", "There is no account of this id that you may use; check the id.", pointer);
}
