import type { FastifyRequest } from "fastify";
import { Problem } from "./problems.ts";

const unreadable = Symbol("unreadable query");
type Query = Record<string, string> & { [unreadable]?: string };

/**
 * The parameters of a query string, each at most once. A router's parser must not throw, so unreadable input is
 * marked, and `checkQuery` turns the mark into a problem.
 */
export function parseQuery(text: string): Record<string, string> {
  const query: Query = Object.create(null);
  if (text === "") return query;
  for (const part of text.split("&")) {
    const at = part.indexOf("=");
    const name = decode(at < 0 ? part : part.slice(0, at));
    const value = decode(at < 0 ? "" : part.slice(at + 1));
    if (name === undefined || value === undefined)
      query[unreadable] = "A query parameter holds percent-encoding that cannot be read, or a control character.";
    else if (name === "") query[unreadable] = "A query parameter has no name.";
    else if (name in query) query[unreadable] = "A query parameter is given twice.";
    else query[name] = value;
  }
  return query;
}

function decode(text: string): string | undefined {
  try {
    const value = decodeURIComponent(text.replaceAll("+", " "));
    return /\p{Cc}/u.test(value) ? undefined : value;
  } catch {
    return undefined;
  }
}

/** @throws Problem `invalid_query` when the query string could not be read */
export function checkQuery(request: FastifyRequest): void {
  const query = request.query;
  if (typeof query !== "object" || query === null || !(unreadable in query)) return;
  throw new Problem("invalid_query", String(query[unreadable]));
}
