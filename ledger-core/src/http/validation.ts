import { Ajv, type ErrorObject } from "ajv";
import type { FastifySchemaCompiler } from "fastify";
import { parseCurrency } from "../money.ts";
import { parseBusinessDate, parseInstant, parseTimeZone } from "../time.ts";
import { holdsCardNumber } from "./card-numbers.ts";
import { amount, signedAmount } from "./field-schemas.ts";
import { type FieldFault, Problem } from "./problems.ts";
import { isSubject } from "./tokens.ts";

const FAULTS_MAX = 50;

/** What is told of a string that does not match; a fault of a schema with one of these patterns is one of an amount. */
const amountPatterns: ReadonlyMap<unknown, string> = new Map([
  [amount.pattern, "must be a string of 1 to 18 digits in minor units, without sign or leading zero"],
  [signedAmount.pattern, "must be a string of 0 or up to 18 digits in minor units, with a minus sign when negative"],
]);

/** Named forms of strings, each with what a client is told when a string does not have it. */
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
  subject: {
    check: (text) => isSubject(text) && !holdsCardNumber(text),
    detail: "must be 1 to 64 letters, digits and ._:@-, and not a card number",
  },
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

/** What is wrong with a value: `amounts` when every fault is one of an amount. */
export type Misfit = { readonly amounts: boolean; readonly faults: readonly FieldFault[] };

/** Compiles a JSON schema once; the check answers undefined for a value that fits. Nothing is coerced, dropped or filled in. */
export function compileCheck(schema: object): (value: unknown) => Misfit | undefined {
  const validate = ajv.compile(schema);
  return (value) => (validate(value) ? undefined : describe(validate.errors ?? []));
}

function describe(errors: readonly ErrorObject[]): Misfit {
  const told = errors.filter((error) => error.keyword !== "propertyNames" && error.keyword !== "if");
  return {
    amounts: told.every((error) => error.keyword !== "required" && amountPatterns.has(error.parentSchema?.pattern)),
    faults: told.slice(0, FAULTS_MAX).map((error) => ({ pointer: pointerOf(error), detail: detailOf(error) })),
  };
}

function pointerOf(error: ErrorObject): string {
  const { missingProperty, additionalProperty } = error.params;
  const name: unknown = missingProperty ?? additionalProperty ?? error.propertyName;
  if (typeof name !== "string") return error.instancePath;
  return `${error.instancePath}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
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
      return amountPatterns.get(error.params.pattern) ?? `must match ${error.params.pattern}`;
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
  switch (httpPart) {
    case "body":
      return bodyProblem(misfit);
    case "querystring":
      return new Problem("invalid_query", "The query parameters do not fit.", { errors: misfit.faults });
    default:
      return new Problem("invalid_header", "The headers do not fit.", { errors: misfit.faults });
  }
}

/** A body that can be read and does not fit. */
export function bodyProblem(misfit: Misfit): Problem {
  return misfit.amounts
    ? new Problem("amount_invalid", "An amount is not valid.", { errors: misfit.faults })
    : new Problem("invalid_request", "The body does not fit this route.", { errors: misfit.faults });
}
