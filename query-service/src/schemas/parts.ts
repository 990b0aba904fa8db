import { positionsPattern, problemAnswers } from "ledger-core/http/schemas";

const headers = {
  type: "object",
  properties: {
    "ledger-position": {
      type: "string",
      pattern: positionsPattern,
      description:
        "Positions that commands and queries answered with, separated by commas. This answer is of these positions " +
        "or later, never older.",
      example: "0:1234",
    },
    "ledger-wait": {
      type: "string",
      pattern: "^(?:0|[1-9][0-9]{0,3}|10000)$",
      description: "How many milliseconds to wait for Ledger-Position: 1000 unless said otherwise, at most 10000.",
      example: "2500",
    },
  },
};

const positionHeader = {
  "Ledger-Position": {
    type: "string",
    pattern: positionsPattern,
    required: true,
    description: "The position of each shard that this answer was read at.",
    example: "0:1234",
  },
};

/** A route's text in the reference, and its query parameters. */
export type Documented = {
  readonly tag: string;
  readonly summary: string;
  readonly description: string;
  readonly query?: Readonly<Record<string, object>>;
  /** The query parameters that a request must name. */
  readonly required?: readonly string[];
  readonly answer: object;
  /** Headers of the answer besides Ledger-Position. */
  readonly answerHeaders?: Readonly<Record<string, object>>;
};

function shared({ tag, summary, description, query = {}, required = [] }: Documented) {
  return {
    tags: [tag],
    summary,
    description,
    headers,
    querystring: { type: "object", additionalProperties: false, required, properties: query },
  };
}

/**
 * The schema of a route with an id in its path. The id has no pattern: a malformed id is answered like an absent
 * object.
 */
export function objectRoute(route: Documented & { readonly id: string }) {
  return {
    ...shared(route),
    params: { type: "object", properties: { id: { type: "string", description: "The id.", example: route.id } } },
    response: {
      200: { ...route.answer, headers: { ...positionHeader, ...route.answerHeaders } },
      ...problemAnswers(400, 401, 403, 404, 429, 503),
    },
  };
}

/** The schema of a route that names no object. */
export function plainRoute(route: Documented) {
  return {
    ...shared(route),
    response: {
      200: { ...route.answer, headers: { ...positionHeader, ...route.answerHeaders } },
      ...problemAnswers(400, 401, 403, 429, 503),
    },
  };
}

/** Text to search for; control characters are not allowed in any query. */
export function queryText(description: string) {
  return { type: "string", pattern: "^[^\\u0000-\\u001f\\u007f-\\u009f]*$", description };
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
  cursor: queryText("The nextCursor of the page before. It is bound to path, filters, order and caller."),
  order: { type: "string", enum: ["desc", "asc"], description: "`desc`, newest first, unless said otherwise." },
};

/** An object whose properties are all required. */
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
