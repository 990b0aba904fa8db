/*
 * JSON schemas of single fields, for requests and for the reference alike. Ids carry no pattern on purpose:
 * an id outside the grammar is answered like an absent one.
 */

/** The grammar of owners and of tokens' subjects; these prefixes name the ledger's own accounts. */
export const ownerPattern = "^(?!rail:|ledger:|transit:)[A-Za-z0-9._:@-]{1,64}$";

export const amount = {
  type: "string",
  pattern: "^[1-9][0-9]{0,17}$",
  description: "Minor units of the currency as digits.",
  example: "1250",
} as const;

/** A bound on amounts, for filters: like an amount, or 0. */
export const amountBound = {
  type: "string",
  pattern: "^(?:0|[1-9][0-9]{0,17})$",
  description: "Minor units of the currency as digits.",
  example: "1250",
} as const;

export const signedAmount = {
  type: "string",
  pattern: "^(?:0|-?[1-9][0-9]{0,17})$",
  description: "Minor units of the currency as digits, with a minus sign when negative.",
  example: "-1250",
} as const;

export const currency = {
  type: "string",
  format: "currency",
  description: "ISO 4217 code.",
  example: "HKD",
} as const;

export const accountId = { type: "string", description: "Id of an account, acct_…" } as const;
export const paymentId = { type: "string", description: "Id of a payment, pay_…" } as const;

export const owner = {
  type: "string",
  pattern: ownerPattern,
  format: "owner",
  description:
    "The token subject whose account it is: 1 to 64 letters, digits and ._:@-; rail:, ledger:, transit: are ours.",
} as const;

export const instant = {
  type: "string",
  format: "instant",
  description: "RFC 3339 in UTC, up to microseconds.",
  example: "2026-11-22T08:30:00.000000Z",
} as const;

export const businessDate = {
  type: "string",
  format: "business-date",
  description: "A day in the account's time zone.",
  example: "2026-11-22",
} as const;

export const timeZone = {
  type: "string",
  format: "time-zone",
  description: "IANA time zone.",
  example: "UTC",
} as const;

/** Text for people, stored unchanged; empty text, control characters and card numbers are refused. */
export function freeText(lengthMax: number, lengthMin = 1) {
  return { type: "string", format: "free-text", minLength: lengthMin, maxLength: lengthMax } as const;
}

export const reference = { ...freeText(140), description: "The client's own reference." } as const;

export const metadata = {
  type: "object",
  description: "Up to 20 pairs of the client's own.",
  maxProperties: 20,
  // The body's reader refuses these names before any schema is checked; this documents them.
  propertyNames: { ...freeText(40), pattern: '^(?!(?:__proto__|constructor|prototype)$)[^"\\\\]+$' },
  additionalProperties: freeText(500, 0),
} as const;
