import { writeFileSync } from "node:fs";
import { compileCheck, type Example, examples } from "ledger-core/http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client, ClientReply } from "./client.ts";
import { createLedger } from "./harness.ts";
import { writeReports } from "./job-tables.ts";
import { at } from "./json.ts";

/** If set, writes new and changed answers of this run into the reference instead of comparing them. */
const record = process.env.LEDGER_RECORD_EXAMPLES !== undefined;
const file = new URL("../../ledger-core/src/http/reference/examples.json", import.meta.url);

const ledger = createLedger();
let operator: Client;
let document: unknown;
beforeAll(async () => {
  await ledger.start();
  operator = await ledger.as("operator");
  document = await (await fetch(`${ledger.url}/openapi.json`)).json();
});
afterAll(() => ledger.remove());

describe("the reference", () => {
  test("every operation has an example that succeeds, and is in one of the sections, which all have one", () => {
    const operations = Object.entries(Object(at(document, "paths"))).flatMap(([path, item]) =>
      Object.entries(Object(item)).map(([method, operation]) => ({
        route: `${method.toUpperCase()} ${path}`,
        operation,
      })),
    );
    expect(operations.length).toBeGreaterThan(20);
    const answered = new Set(examples.filter(({ status }) => status < 300).map(({ route }) => route));
    expect(operations.map(({ route }) => route).filter((route) => !answered.has(route))).toEqual([]);
    const sections = Object.values(Object(at(document, "tags"))).map((tag) => at(tag, "name"));
    const used = new Set(operations.flatMap(({ operation }) => Object.values(Object(at(operation, "tags")))));
    expect([...used].sort()).toEqual([...sections].sort());
  });

  test("every problem that it shows fits its schema", () => {
    const shown = Object.values(Object(at(document, "paths"))).flatMap((item) =>
      Object.values(Object(item)).flatMap((operation) => Object.values(Object(at(operation, "responses")))),
    );
    const problems = shown.map((answer) => at(answer, "content", "application/problem+json")).filter((one) => one);
    expect(problems.length).toBeGreaterThan(100);
    const checks = new Map<string, ReturnType<typeof compileCheck>>();
    for (const problem of problems) {
      const schema = JSON.stringify(at(problem, "schema"));
      const check = checks.get(schema) ?? compileCheck(JSON.parse(schema));
      checks.set(schema, check);
      const values = Object.values(Object(at(problem, "examples"))).map((one) => at(one, "value"));
      for (const value of values.length > 0 ? values : [at(problem, "example")]) expect(check(value)).toBeUndefined();
    }
  });

  test("its examples, sent in their order to an empty ledger, are answered as it shows", async () => {
    const ids = new Map<string, string>();
    const recorded: Example[] = [];
    for (const example of examples) {
      const sent = withIds(example, ids);
      const [, merchant] = /accounts\/(\w+)\/reports\//.exec(sent.path) ?? [];
      if (merchant !== undefined) await writeReports(ledger.data, merchant, 30);
      const reply = await send(sent);
      expect(reply.status, `${example.route} ${example.name}: ${reply.text}`).toBe(example.status);
      expect(shownIn(document, example), `${example.route} ${example.name} is in the document`).toEqual(example.answer);
      expect(compileCheck(schemaOf(document, example))(reply.body), `${example.route} ${example.name}`).toBeUndefined();
      learn(ids, JSON.stringify(example.answer), reply.text);
      const asShown = withoutTimes(replaceIds(JSON.stringify(example.answer), ids));
      if (!record) expect(withoutTimes(reply.text)).toBe(asShown);
      const changed = withoutTimes(reply.text) !== asShown;
      recorded.push(changed ? { ...example, answer: JSON.parse(withShownIds(reply.text, ids)) } : example);
    }
    expect(examples.length).toBeGreaterThan(25);
    if (record) writeFileSync(file, JSON.stringify(recorded));
  });
});

async function send({ route, path, body, key, consumer }: Example): Promise<ClientReply> {
  const client = consumer === undefined ? operator : await ledger.as("consumer", consumer);
  if (route.startsWith("GET ")) return client.get(path);
  if (key === undefined) throw new Error(`${route} has no key`);
  return client.post(path, body, { key });
}

function answerIn(document: unknown, { route, status }: Example): unknown {
  const [method = "", path = ""] = route.split(" ");
  const content = at(document, "paths", path, method.toLowerCase(), "responses", String(status), "content");
  return Object.values(Object(content))[0];
}

function schemaOf(document: unknown, example: Example): object {
  return Object(at(answerIn(document, example), "schema"));
}

function shownIn(document: unknown, example: Example): unknown {
  return at(answerIn(document, example), "examples", example.name, "value");
}

const id = /\b[a-z]{3,5}_[0-7][0-9a-hjkmnp-tv-z]{25}\b/g;

/** Maps the ids of an answer to those at the same places in the reference's answer. */
function learn(ids: Map<string, string>, shown: string, answered: string): void {
  const [before, now] = [shown.match(id) ?? [], answered.match(id) ?? []];
  // The answer of a new example, or of one whose answer changed.
  if (record && before.length !== now.length) return;
  expect(now.length, answered).toBe(before.length);
  before.forEach((one, index) => {
    const known = ids.get(one) ?? now[index] ?? "";
    expect(now[index], `${one} of ${shown}`).toBe(known);
    ids.set(one, known);
  });
}

function replaceIds(text: string, ids: ReadonlyMap<string, string>): string {
  return text.replaceAll(id, (one) => {
    const known = ids.get(one);
    if (known === undefined) throw new Error(`${one} is sent before an answer has shown it`);
    return known;
  });
}

/** An answer with its ids replaced by the reference's; ids that only this answer has stay. */
function withShownIds(text: string, ids: ReadonlyMap<string, string>): string {
  const shown = new Map([...ids].map(([before, now]) => [now, before]));
  return text.replaceAll(id, (one) => shown.get(one) ?? one);
}

/** The day on which the examples were recorded; requests use it for today. */
const recordedOn = String(at(examples[0]?.answer, "openedAt")).slice(0, 10);

/** The request with this ledger's ids and day. */
function withIds(example: Example, ids: ReadonlyMap<string, string>): Example {
  const { answer, ...request } = example;
  const today = new Date().toISOString().slice(0, 10);
  return { ...JSON.parse(replaceIds(JSON.stringify(request), ids).replaceAll(recordedOn, today)), answer };
}

function withoutTimes(text: string): string {
  return text.replaceAll(/\d{4}-\d\d-\d\d(T[0-9:.]+Z)?/g, (time) => (time.length > 10 ? "TIME" : "DATE"));
}
