import type { FastifyInstance, FastifyRequest } from "fastify";
import { Problem } from "./problems.ts";

/**
 * Refuses a path whose meaning is hidden: control characters, and encoded dot segments.
 * The grammar of ids refuses anything else in an id.
 * @throws Problem `malformed_path`
 */
export function checkPath(url: string): void {
  if (!url.includes("%") && !url.includes("/.")) return;
  const end = url.indexOf("?");
  const path = decodePath(end < 0 ? url : url.slice(0, end));
  if (path === undefined || /\p{Cc}/u.test(path))
    throw new Problem("malformed_path", "The path holds percent-encoding that cannot be read.");
  if (path.split(/[/\\]/).some((segment) => segment === "." || segment === ".."))
    throw new Problem("malformed_path", "The path holds a dot segment.");
}

function decodePath(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

type KnownPath = { readonly pattern: RegExp; readonly methods: Set<string> };

/**
 * Records the routes as they are added. The returned check, and the app itself, answer requests of no route with 404,
 * or 405 on a path that has other methods.
 */
export function routedOnly(app: FastifyInstance): (request: FastifyRequest) => void {
  const paths = new Map<string, KnownPath>();
  app.addHook("onRoute", ({ url, method }) => {
    const known = paths.get(url) ?? { pattern: pathPattern(url), methods: new Set() };
    for (const name of [method].flat()) known.methods.add(name);
    paths.set(url, known);
  });
  app.setNotFoundHandler((request) => {
    throw unrouted(request, paths);
  });
  return (request) => {
    if (request.is404) throw unrouted(request, paths);
  };
}

function unrouted(request: FastifyRequest, paths: ReadonlyMap<string, KnownPath>): Problem {
  const path = request.url.split("?", 1)[0] ?? "";
  const methods = new Set<string>();
  for (const known of paths.values())
    if (known.pattern.test(path)) for (const method of known.methods) methods.add(method);
  if (methods.size === 0) return new Problem("route_not_found", "Nothing is served at this path.");
  const allow = [...methods].sort().join(", ");
  return new Problem("method_not_allowed", `This path is served with ${allow} only.`, { headers: { allow } });
}

function pathPattern(url: string): RegExp {
  const parts = url.split("/").map((part) => {
    if (part.startsWith(":")) return "[^/]+";
    return part === "*" ? ".*" : part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  });
  return new RegExp(`^${parts.join("/")}$`);
}

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
