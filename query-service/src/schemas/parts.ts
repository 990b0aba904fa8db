import { problemContentType } from "ledger-core/http";

const headers = {
  type: "object",
  properties: {
    "ledger-position": {
      type: "string",
      description:
        "Positions as commands and queries answer with them, separated by commas. The answer is of these positions or later, never older.",
      examples: ["0:1234"],
    },
    "ledger-wait": {
      type: "string",
      description: "How many milliseconds to wait for Ledger-Position: 1000 unless said otherwise, at most 10000.",
      examples: ["2500"],
    },
  },
};

const positionHeader = {
  "Ledger-Position": { type: "string", description: "The position of each shard that this answer stands at." },
};

const problem = {
  type: "object",
  required: ["type", "title", "status", "code", "detail", "instance"],
  properties: {
    type: { type: "string", examples: ["/problems/invalid_query"] },
    title: { type: "string" },
    status: { type: "integer" },
    code: { type: "string", description: "Stable: what a program decides by." },
    detail: { type: "string" },
    instance: { type: "string" },
    errors: {
      type: "array",
      items: {
        type: "object",
        required: ["pointer", "detail"],
        properties: { pointer: { type: "string" }, detail: { type: "string" } },
      },
    },
  },
};

const refusals = {
  400: "A query parameter or header is unknown, malformed, given twice or cannot be combined; or the cursor is not one of this query.",
  401: "The request carries no valid bearer token.",
  404: "There is no such object, or none that the caller may see: nobody is told which.",
  414: "A parameter in the path is longer than 100 characters.",
  503: "The position asked for was not reached within Ledger-Wait, or the read model cannot be reached. Retry-After says when to repeat.",
};

function refusal(status: keyof typeof refusals) {
  return { [status]: { description: refusals[status], content: { [problemContentType]: { schema: problem } } } };
}

const id = (example: string) => ({
  type: "object",
  properties: { id: { type: "string", description: "The object's id.", examples: [example] } },
});

export type Documented = {
  readonly tag: string;
  readonly summary: string;
  readonly description: string;
  readonly query?: Readonly<Record<string, object>>;
  readonly answer: { readonly description: string; readonly body: object };
};

const shared = ({ tag, summary, description, query = {} }: Documented) => ({
  tags: [tag],
  summary,
  description,
  headers,
  querystring: { type: "object", additionalProperties: false, properties: query },
});

/** The schema of a route to something below one object. */
export function objectRoute(example: string, route: Documented) {
  const { description, body } = route.answer;
  return {
    ...shared(route),
    params: id(example),
    response: {
      200: { ...body, description, headers: positionHeader },
      ...refusal(400),
      ...refusal(401),
      ...refusal(404),
      ...refusal(414),
      ...refusal(503),
    },
  };
}

/** The schema of a route that names no object. */
export function plainRoute(route: Documented) {
  const { description, body } = route.answer;
  return {
    ...shared(route),
    response: {
      200: { ...body, description, headers: positionHeader },
      ...refusal(400),
      ...refusal(401),
      ...refusal(503),
    },
  };
}

export const limit = {
  type: "string",
  pattern: "^(?:[1-9][0-9]?|1[0-9]{2}|200)$",
  description: "How many rows a page has at most: 1 to 200, 50 unless said otherwise.",
  examples: ["50"],
};

/** The parameters of every list. */
export const listQuery = {
  limit,
  cursor: {
    type: "string",
    minLength: 1,
    maxLength: 1000,
    description: "The nextCursor of the page before. It is bound to the path, the filters, the order and the caller.",
  },
  order: { type: "string", enum: ["desc", "asc"], description: "`desc`, newest first, unless said otherwise." },
};

/** The body of a list. */
export function listOf(items: object) {
  return {
    type: "object",
    required: ["data", "nextCursor"],
    properties: {
      data: { type: "array", items },
      nextCursor: { type: ["string", "null"], description: "Null when nothing follows." },
    },
  };
}

export const amount = { type: "string", format: "amount", examples: ["1250"] };
export const instant = { type: "string", format: "instant", examples: ["2026-11-22T08:30:00.000000Z"] };
export const businessDate = { type: "string", format: "business-date", examples: ["2026-11-22"] };

/** Text in an answer, with an example of it. */
export const text = (example: string) => ({ type: "string", examples: [example] });
export const textOrNull = (example: string) => ({ type: ["string", "null"], examples: [example] });
export const digits = (description: string) => ({ type: "string", description, examples: ["1250"] });

/** An object whose every property is always there. */
export function shape(properties: Readonly<Record<string, object>>) {
  return { type: "object", required: Object.keys(properties), properties };
}

export const metadata = { type: "object", additionalProperties: { type: "string" }, examples: [{ order: "A-1007" }] };
