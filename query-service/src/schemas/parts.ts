import { problemAnswer } from "ledger-core/http";

const headers = {
  type: "object",
  properties: {
    "ledger-position": {
      type: "string",
      description:
        "Positions that commands and queries answered with, separated by commas. This answer is of these positions " +
        "or later, never older.",
      example: "0:1234",
    },
    "ledger-wait": {
      type: "string",
      description: "How many milliseconds to wait for Ledger-Position: 1000 unless said otherwise, at most 10000.",
      example: "2500",
    },
  },
};

const positionHeader = {
  "Ledger-Position": { type: "string", description: "The position of each shard that this answer stands at." },
};

const refusals = {
  400:
    "A query parameter or header is unknown, malformed, given twice or cannot be combined, or the cursor is not one" +
    " of this query.",
  401: "The request carries no valid bearer token.",
  404: "There is no such object, or none that the caller may see: nobody is told which.",
  414: "A parameter in the path is longer than 100 characters.",
  503:
    "The position asked for was not reached within Ledger-Wait, or the data cannot be reached. Retry-After says " +
    "when to repeat.",
};

function refused(...statuses: readonly (keyof typeof refusals)[]) {
  return Object.fromEntries(
    statuses.map((status) => [status, { ...problemAnswer, description: refusals[status] }] as const),
  );
}

/** What the reference says of a route, and what its query may hold. */
export type Documented = {
  readonly tag: string;
  readonly summary: string;
  readonly description: string;
  readonly query?: Readonly<Record<string, object>>;
  readonly answer: object;
};

function shared({ tag, summary, description, query = {} }: Documented) {
  return {
    tags: [tag],
    summary,
    description,
    headers,
    querystring: { type: "object", additionalProperties: false, properties: query },
  };
}

/**
 * The schema of a route to an object, or to something of an object's. The id has no pattern: what it cannot be is
 * absent, not malformed.
 */
export function objectRoute(route: Documented & { readonly id: string }) {
  return {
    ...shared(route),
    params: { type: "object", properties: { id: { type: "string", description: "The id.", example: route.id } } },
    response: { 200: { ...route.answer, headers: positionHeader }, ...refused(400, 401, 404, 414, 503) },
  };
}

/** The schema of a route that names no object. */
export function plainRoute(route: Documented) {
  return {
    ...shared(route),
    response: { 200: { ...route.answer, headers: positionHeader }, ...refused(400, 401, 503) },
  };
}

export const limit = {
  type: "string",
  pattern: "^(?:[1-9][0-9]?|1[0-9]{2}|200)$",
  description: "How many rows at most: 1 to 200, 50 unless said otherwise.",
  example: "50",
};

/** The parameters of every list. */
export const listQuery = {
  limit,
  cursor: {
    type: "string",
    description: "The nextCursor of the page before. It is bound to the path, the filters, the order and the caller.",
  },
  order: { type: "string", enum: ["desc", "asc"], description: "`desc`, newest first, unless said otherwise." },
};

/** An object whose every property is always there. */
export function shape(description: string, properties: Readonly<Record<string, object>>) {
  return { type: "object", description, required: Object.keys(properties), properties, additionalProperties: false };
}

/** The answer of a list. */
export function pageOf(description: string, items: object) {
  return shape(description, {
    data: { type: "array", items },
    nextCursor: { type: ["string", "null"], description: "Null when nothing follows, and only then." },
  });
}

/** Examples of ids, for the reference. */
export const example = {
  account: "acct_01kaney4g00008g000000000c5",
  other: "acct_01kaney4g00008g000000000c6",
  payment: "pay_01kaney4g00008g000000000d7",
  event: "evt_01kaney4g00008g000000000d7",
} as const;
