import { problemSchema } from "./object-schemas.ts";

/** A header of an answer, for the reference. `required`: every such answer has it. */
type DocumentedHeader = {
  readonly type: "string";
  readonly description: string;
  readonly pattern?: string;
  readonly enum?: readonly string[];
  readonly example?: string;
  readonly required?: true;
};
type DocumentedHeaders = Readonly<Record<string, DocumentedHeader>>;

const position = "(?:0|[1-9][0-9]{0,3}):(?:0|[1-9][0-9]{0,12})";
/** The form of a query's Ledger-Position: one position or several. */
export const positionsPattern = `^${position}(?:[ \\t]*,[ \\t]*${position})*$`;

const problem = { content: { "application/problem+json": { schema: problemSchema } } } as const;

/** By status, the meaning of a refusal on any route, and its headers. */
const refusals = {
  400: {
    description: "The request cannot be read, or a query parameter or header is unknown, malformed or given twice.",
  },
  401: {
    description: "The request carries no valid bearer token.",
    headers: { "WWW-Authenticate": { type: "string", pattern: "^Bearer", required: true, description: "Bearer" } },
  },
  403: { description: "The token's role may not do this, whatever the object." },
  404: { description: "There is no such object, or none that the caller may use: nobody is told which." },
  408: { description: "Headers and body did not arrive within 30 seconds." },
  409: { description: "The object's state does not allow this, or the key's first request has no answer yet." },
  413: { description: "The body is too large." },
  415: { description: "The body is not application/json in UTF-8, or has a content encoding." },
  422: { description: "The body does not fit the route, or the ledger's rules refuse the command." },
  429: {
    description: "The caller has as many requests under way or waiting as it may, or has used a quota.",
    headers: {
      RateLimit: {
        type: "string",
        description:
          "What is left of each quota (r), and in how many seconds all of it is again (t); only with quotas.",
        example: '"caller";r=0;t=17',
      },
      "RateLimit-Policy": {
        type: "string",
        description: "The quotas: so many requests (q) in so many seconds (w); only where there are any.",
        example: '"caller";q=600;w=60',
      },
      "Retry-After": {
        type: "string",
        pattern: "^[0-9]+$",
        required: true,
        description: "In how many seconds to repeat.",
      },
    },
  },
  431: { description: "The request's headers hold more than 16 KiB together." },
  503: {
    description:
      "Nothing was accepted, or the data or position asked for cannot be had now. Retry-After says when to repeat.",
    headers: {
      "Retry-After": {
        type: "string",
        pattern: "^[0-9]+$",
        required: true,
        description: "In how many seconds to repeat.",
      },
    },
  },
} as const satisfies Readonly<Record<number, { readonly description: string; readonly headers?: DocumentedHeaders }>>;

type RefusalStatus = keyof typeof refusals;

/**
 * The refusals of a route as RFC 9457 problems, for its `response` schemas; connection faults are always among them.
 */
export function problemAnswers(...statuses: readonly RefusalStatus[]): Readonly<Record<string, object>> {
  const all = [...statuses, 408, 429, 431] as const;
  return Object.fromEntries(all.map((status) => [status, { ...problem, ...refusals[status] }]));
}

const recordedHeaders: DocumentedHeaders = {
  "Ledger-Position": {
    type: "string",
    pattern: `^${position}$`,
    description: "The answer's place in the log; a query that sends it sees at least that. None on a dry run.",
    example: "0:1234",
  },
  "Idempotency-Replayed": {
    type: "string",
    enum: ["true"],
    description: "The answer that the key's first request got; none on a first answer.",
  },
  "Ledger-Dry-Run": { type: "string", enum: ["true"], description: "Nothing was appended and no key was kept." },
};

/**
 * The answers of a command's route: success, and refusals; stored refusals have the headers of a success. `absent`: the
 * command names an object that may not exist.
 */
export function commandAnswers(
  status: 200 | 201,
  answer: object,
  { absent = false } = {},
): Readonly<Record<string, object>> {
  const some: RefusalStatus[] = absent ? [404] : [];
  const refused = problemAnswers(400, 401, 403, ...some, 409, 413, 415, 422, 503);
  const stored = [409, 422].map((known) => [known, { ...refused[known], headers: recordedHeaders }] as const);
  return { [status]: { ...answer, headers: recordedHeaders }, ...refused, ...Object.fromEntries(stored) };
}
