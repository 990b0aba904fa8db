import { type Example, examples } from "./examples.ts";
import { problemExample } from "./problem-examples.ts";

/** A fact that the generator cannot know: whether an operation's body may be absent. */
type OperationFacts = { readonly bodyOptional: boolean };

/** Completes the operations of a generated document: options, required headers, examples, and their order. */
export function completeDocument(document: object, factsOf: (path: string) => OperationFacts): void {
  const paths = members(member(document, "paths"));
  for (const [path, item] of paths)
    for (const [method, operation] of members(item)) {
      if (factsOf(path).bodyOptional) Object.assign(Object(member(operation, "requestBody")), { required: false });
      requireHeaders(operation);
      const own = examples.filter(({ route }) => route === `${method.toUpperCase()} ${path}`);
      showParameters(operation, own[0]);
      showProblems(operation, path);
      for (const example of own) showExample(operation, example);
    }
  if (paths.length > 0) Object.assign(document, { paths: inReadingOrder(paths) });
}

/** Commands first, in the order of their examples; a path without one keeps its place at the end. */
function inReadingOrder(paths: readonly [string, object][]): object {
  const placeOf = (path: string): number => {
    const place = examples.findIndex(({ route }) => route.endsWith(` ${path}`));
    return place === -1 ? examples.length : place;
  };
  const ordered = paths.map(([path, item]) => {
    const { post, ...queries }: { post?: unknown } = { ...item };
    return [path, post === undefined ? queries : { post, ...queries }] as const;
  });
  return Object.fromEntries(ordered.sort(([a], [b]) => placeOf(a) - placeOf(b)));
}

/** The names of the sections that a document's operations are in. */
export function sectionsIn(document: object): ReadonlySet<string> {
  const operations = members(member(document, "paths")).flatMap(([, item]) => members(item));
  return new Set(operations.flatMap(([, operation]) => Object.values(Object(member(operation, "tags"))).map(String)));
}

/** The generator leaves the mark of a header that is always there in its schema. */
function requireHeaders(operation: object): void {
  for (const [, response] of members(member(operation, "responses")))
    for (const [, header] of members(member(response, "headers"))) {
      const schema = Object(member(header, "schema"));
      if (schema.required !== true) continue;
      delete schema.required;
      Object.assign(header, { required: true });
    }
}

/**
 * The page fills in a parameter's example for whoever tries a route: so there are those of the operation's example, and
 * no others, since not all parameters go together.
 */
function showParameters(operation: object, example: Example | undefined): void {
  const values = example === undefined ? new Map<string, string>() : parametersOf(example);
  for (const [, parameter] of members(member(operation, "parameters"))) {
    const schema = Object(member(parameter, "schema"));
    const value = values.get(String(member(parameter, "name")).toLowerCase());
    const shown = value ?? member(parameter, "example") ?? schema.example;
    for (const holder of [parameter, schema]) delete Object(holder).example;
    if (value !== undefined) Object.assign(parameter, { example: value });
    else if (shown !== undefined) Object.assign(schema, { examples: [shown] });
  }
}

function parametersOf({ path, key }: Example): Map<string, string> {
  const { pathname, searchParams } = new URL(path, "http://localhost");
  const values = new Map(searchParams);
  const [id] = /\b[a-z]{3,5}_[0-9a-z]{26}\b/.exec(pathname) ?? [];
  if (id !== undefined) values.set("id", id);
  if (key !== undefined) values.set("idempotency-key", key);
  return values;
}

function showProblems(operation: object, path: string): void {
  for (const [status, response] of members(member(operation, "responses"))) {
    const content = member(Object(member(response, "content")), "application/problem+json");
    const example = problemExample(Number(status), path);
    if (content !== undefined && example !== undefined) Object.assign(Object(content), { example });
  }
}

function showExample(operation: object, { name, summary, body, status, answer }: Example): void {
  const show = (holder: unknown, value: unknown): void => {
    for (const [type, content] of members(member(Object(holder), "content"))) {
      if (!type.includes("json")) continue;
      delete Object(content).example;
      const shown = Object(member(content, "examples"));
      Object.assign(content, { examples: { ...shown, [name]: { summary, value } } });
    }
  };
  if (body !== undefined) show(member(operation, "requestBody"), body);
  show(member(Object(member(operation, "responses")), String(status)), answer);
}

function member(value: object, name: string): unknown {
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}

/** The members that are objects, of what may be one. */
function members(value: unknown): [string, object][] {
  return Object.entries(Object(value)).filter(
    (entry): entry is [string, object] => typeof entry[1] === "object" && entry[1] !== null,
  );
}
