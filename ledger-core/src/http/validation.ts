import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import type { FastifySchemaCompiler } from "fastify";
import { parseCurrency } from "../domain/money.ts";
import { parseBusinessDate, parseInstant, parseTimeZone } from "../domain/time.ts";
import { holdsCardNumber } from "./card-numbers.ts";
import { amount, amountBound, ownerPattern, signedAmount } from "./field-schemas.ts";
import { idempotencyKeyForm, idempotencyKeyPattern } from "./idempotency-key.ts";
import type { ProblemCode } from "./problem-codes.ts";
import { type FieldFault, Problem } from "./problems.ts";

/** Faults listed for one value unless the caller says otherwise. */
const FAULTS_MAX = 50;
/** The most characters of a name in a pointer; no field of ours is longer. */
const POINTER_NAME_MAX = 64;

/** The detail for a string that does not match; with one of these patterns, the fault is one of an amount. */
const amountPatterns: ReadonlyMap<unknown, string> = new Map([
  [amount.pattern, "must be a string of 1 to 18 digits in minor units, without sign or leading zero"],
  [signedAmount.pattern, "must be a string of 0 or up to 18 digits in minor units, with a minus sign when negative"],
]);
const patternDetails: ReadonlyMap<unknown, string> = new Map([
  ...amountPatterns,
  [amountBound.pattern, "must be 0 or 1 to 18 digits in minor units, without sign or leading zero"],
  [idempotencyKeyPattern, `must be ${idempotencyKeyForm}`],
  [ownerPattern, "must be 1 to 64 letters, digits and ._:@-, and not begin with rail:, ledger: or transit:"],
]);

const noCardNumber = { check: (text: string) => !holdsCardNumber(text), detail: "must not hold a card number" };

/** Named forms of strings, each with the detail for a string that does not have it. */
const formats: Readonly<Record<string, { check: (text: string) => boolean; detail: string }>> = {
  currency: {
    check: (text) => parseCurrency(text) !== undefined,
    detail: "must be an ISO 4217 code in capitals",
  },
  instant: {
    check: (text) => parseInstant(text) !== undefined,
    detail: "must be an RFC 3339 time in UTC, like 2026-11-22T08:30:00.000000Z",
  },
  "business-date": {
    check: (text) => parseBusinessDate(text) !== undefined,
    detail: "must be a date that exists, like 2026-11-22",
  },
  "time-zone": {
    check: (text) => parseTimeZone(text) !== undefined,
    detail: "must be an IANA time zone, like Asia/Hong_Kong",
  },
  owner: noCardNumber,
  "idempotency-key": noCardNumber,
  "free-text": {
    check: (text) => !/\p{Cc}/u.test(text) && !holdsCardNumber(text),
    detail: "must not hold control characters or a card number",
  },
};

const ajv = new Ajv({
  coerceTypes: false,
  removeAdditional: false,
  useDefaults: false,
  allErrors: true,
  verbose: true,
  allowUnionTypes: true,
  strict: true,
  strictRequired: false,
  formats: Object.fromEntries(Object.entries(formats).map(([name, { check }]) => [name, check])),
  keywords: ["example"],
});

/** The faults of a value: `amounts` when each is one of an amount; `more` counts those beyond the list. */
export type Misfit = { readonly amounts: boolean; readonly faults: readonly FieldFault[]; readonly more: number };

/**
 * A check of values by a JSON schema; it answers undefined for a value that fits. Nothing is coerced, dropped or filled
 * in. The schema is compiled at the first value: all of them at once would take a fifth of the ledger's start.
 * @param faultsMax faults that are listed, default 50; the others are counted
 */
export function compileCheck(schema: object, faultsMax = FAULTS_MAX): (value: unknown) => Misfit | undefined {
  let compiled: ValidateFunction | undefined;
  return (value) => {
    compiled ??= ajv.compile(schema);
    return compiled(value) ? undefined : describe(compiled.errors ?? [], faultsMax);
  };
}

function describe(errors: readonly ErrorObject[], faultsMax: number): Misfit {
  const faults: FieldFault[] = [];
  let amounts = true;
  let more = 0;
  for (const error of errors) {
    const { keyword, parentSchema } = error;
    if (keyword === "propertyNames" || keyword === "if") continue;
    amounts &&= keyword !== "required" && amountPatterns.has(parentSchema?.pattern);
    if (faults.length < faultsMax) faults.push({ pointer: pointerOf(error), detail: detailOf(error) });
    else more++;
  }
  return { amounts, faults, more };
}

/** The faults as an answer lists them; where there are more, one further entry says how many. */
export function listedFaults(faults: readonly FieldFault[], more: number): readonly FieldFault[] {
  if (more === 0) return faults;
  const detail = more === 1 ? "1 more fault is not listed" : `${more} more faults are not listed`;
  return [...faults, { pointer: "", detail }];
}

function pointerOf(error: ErrorObject): string {
  const { missingProperty, additionalProperty } = error.params;
  const name: unknown = missingProperty ?? additionalProperty ?? error.propertyName;
  if (typeof name !== "string") return repeatable(error.instancePath);
  return repeatable(`${error.instancePath}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`);
}

/** Makes a pointer safe for an answer: cuts it before a name that is a card number, and shortens long names. */
function repeatable(pointer: string): string {
  const names = pointer.split("/");
  const card = names.findIndex(holdsCardNumber);
  return names
    .slice(0, card < 0 ? names.length : card)
    .map(cut)
    .join("/");
}

function cut(name: string): string {
  return name.length > POINTER_NAME_MAX ? `${[...name.slice(0, POINTER_NAME_MAX)].slice(0, -1).join("")}…` : name;
}

function detailOf(error: ErrorObject): string {
  switch (error.keyword) {
    case "format":
      return formats[String(error.params.format)]?.detail ?? "does not have the form it needs";
    case "required":
      return "is required";
    case "additionalProperties":
      return "is not a known field";
    case "enum":
      return `must be one of ${error.params.allowedValues.join(", ")}`;
    case "pattern":
      return patternDetails.get(error.params.pattern) ?? `must match ${error.params.pattern}`;
    case "type":
      return `must be ${[error.params.type].flat().join(" or ")}`;
    default:
      return error.message ?? "does not fit";
  }
}

/** Fastify's validator: a body that does not fit is 422, any other part of a request 400. */
export const validatorCompiler: FastifySchemaCompiler<object> = ({ schema, httpPart }) => {
  const check = compileCheck(schema);
  return (value: unknown) => {
    const misfit = check(value);
    return misfit === undefined ? true : { error: misfitProblem(misfit, httpPart) };
  };
};

function misfitProblem(misfit: Misfit, httpPart: string | undefined): Problem {
  const errors = listedFaults(misfit.faults, misfit.more);
  switch (httpPart) {
    case "body":
      return bodyProblem(misfit);
    case "querystring":
      return new Problem("invalid_query", "The query parameters do not fit.", { errors });
    default:
      return new Problem("invalid_header", "The headers do not fit.", { errors });
  }
}

/** A body that can be read and does not fit. */
export function bodyProblem(misfit: Misfit): Problem {
  const { code, detail } = bodyFault(misfit);
  return new Problem(code, detail, { errors: listedFaults(misfit.faults, misfit.more) });
}

/** The code and detail of a body, or of an item of a bulk, that does not fit. */
export function bodyFault({ amounts }: Misfit): { readonly code: ProblemCode; readonly detail: string } {
  return amounts
    ? { code: "amount_invalid", detail: "An amount is not valid." }
    : { code: "invalid_request", detail: "The body does not fit this route." };
}
