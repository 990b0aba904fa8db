import { pino } from "pino";
import { expect, test } from "vitest";
import { parsePosition } from "../domain/position.ts";
import { positionsPattern, problemAnswers } from "./documented-answers.ts";
import { createEdge, type EdgeOptions } from "./edge.ts";
import { metadata } from "./field-schemas.ts";
import { createMetrics } from "./metrics.ts";
import { problemKinds } from "./problem-codes.ts";
import { compileCheck } from "./validation.ts";

function edge(options: Partial<EdgeOptions> = {}) {
  return createEdge({
    logger: pino({ level: "silent" }),
    authenticate: (token) => ({ tenant: "t", role: token === "eyP" ? "platform" : "operator", sub: "s" }),
    ...options,
  });
}
const platform = { authorization: "Bearer eyP" };
const operator = { authorization: "Bearer eyO" };

test("/livez says that the process answers", async () => {
  await using app = await edge();
  expect((await app.inject("/livez")).json()).toEqual({ status: "ok" });
});

test("/readyz names the parts that are not ready", async () => {
  const writer = { ready: false, detail: "replaying, 40 %" };
  const readiness = [{ name: "writer", check: () => writer }];
  await using app = await edge({ readiness });
  const before = await app.inject("/readyz");
  expect(before.statusCode).toBe(503);
  expect(before.json()).toEqual({ status: "not_ready", checks: [{ name: "writer", ...writer }] });
  Object.assign(writer, { ready: true, detail: "serving" });
  readiness.push({ name: "models", check: () => ({ ready: true, detail: "0:12" }) });
  const after = await app.inject("/readyz");
  expect(after.statusCode).toBe(200);
  expect(after.json().checks).toHaveLength(2);
});

test("/metrics counts answers by route and status, for the platform role only", async () => {
  const metrics = createMetrics();
  metrics.gauge("queue_length", "Commands that wait.", () => 3);
  await using app = await edge({ metrics });
  await app.inject("/livez");
  await app.inject("/livez");
  expect((await app.inject("/metrics")).statusCode).toBe(401);
  expect((await app.inject({ url: "/metrics", headers: operator })).statusCode).toBe(403);
  const answer = await app.inject({ url: "/metrics", headers: platform });
  expect(answer.headers["content-type"]).toContain("version=0.0.4");
  expect(answer.body).toContain("# TYPE queue_length gauge\nqueue_length 3\n");
  expect(answer.body).toContain('http_request_duration_seconds_count{method="GET",route="/livez",status="200"} 2\n');
});

test("/metrics is open on its own port, and absent if disabled", async () => {
  await using open = await edge({ metricsAccess: "open" });
  await using none = await edge({ metricsAccess: "none" });
  expect((await open.inject("/metrics")).statusCode).toBe(200);
  expect((await none.inject("/metrics")).statusCode).toBe(404);
});

test("/problems explains every code", async () => {
  await using app = await edge();
  for (const [code, { status, title, meaning }] of problemKinds) {
    const { body } = await app.inject(`/problems/${code}`);
    expect(body).toBe(`${code} (${status})\n${title}\n${meaning}\n`);
  }
  expect((await app.inject("/problems")).body).toContain("insufficient_funds (422)");
  expect((await app.inject("/problems/nope")).statusCode).toBe(404);
});

test("/openapi.json and /docs come from the routes' schemas, and only from this server", async () => {
  await using app = await edge({ referenceVersion: "1.2.3" });
  app.get("/things", { schema: { summary: "All things" } }, () => ({}));
  const document = (await app.inject("/openapi.json")).json();
  expect(document.info.version).toBe("1.2.3");
  expect(document.paths).toEqual({ "/things": { get: expect.objectContaining({ summary: "All things" }) } });
  const page = await app.inject("/docs/");
  expect(page.statusCode).toBe(200);
  expect(page.headers["content-security-policy"]).toContain("default-src 'self'");
  const sources = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? "");
  expect(sources.length).toBeGreaterThan(3);
  for (const source of sources) {
    expect(source).not.toMatch(/^(?:https?:)?\/\//);
    expect((await app.inject(new URL(source, "http://localhost/docs/").pathname)).statusCode, source).toBe(200);
  }
});

test("/openapi.json says which bodies may be absent and which headers are always there", async () => {
  await using app = await edge({ referenceVersion: "1" });
  const schema = { body: { type: "object" }, response: problemAnswers(401) };
  app.post("/things/:id", { schema, config: { bodyOptional: true } }, () => ({}));
  app.post("/things", { schema }, () => ({}));
  const { paths } = (await app.inject("/openapi.json")).json();
  expect(paths["/things"].post.requestBody.required).toBe(true);
  expect(paths["/things/{id}"].post.requestBody.required).toBe(false);
  expect(Object.keys(paths["/things"].post.responses)).toEqual(["401", "408", "429", "431"]);
  expect(paths["/things"].post.responses["401"]).toMatchObject({
    content: { "application/problem+json": { schema: { required: expect.arrayContaining(["code"]) } } },
    headers: { "WWW-Authenticate": { required: true, schema: { type: "string", pattern: "^Bearer" } } },
  });
});

test("the forms that the reference gives are those that are read", () => {
  const positions = new RegExp(positionsPattern);
  for (const text of ["0:0", "0:1234", "1023:1099511627775", "0:1, 1:88", "0:1\t,1:88"]) {
    expect(positions.test(text), text).toBe(true);
    for (const part of text.split(",")) expect(parsePosition(part.trim()), part).toBeDefined();
  }
  for (const text of ["", "0", "0:", "01:2", "0:01", "0:1,", "0:1 1:2", "x"])
    expect(positions.test(text), text).toBe(false);
  const names = compileCheck(metadata);
  for (const name of ["order", "é", "__proto", "constructors", "a b"])
    expect(names({ [name]: "" }), name).toBeUndefined();
  for (const name of ["constructor", "prototype", 'a"b', "a\\b", ""]) expect(names({ [name]: "" }), name).toBeDefined();
});

test("while the edge closes, open requests are answered and new ones are told to go elsewhere", async () => {
  const app = await edge();
  const started = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<object>();
  app.get("/slow", { config: { open: true } }, () => {
    started.resolve();
    return finish.promise;
  });
  const origin = await app.listen({ host: "127.0.0.1", port: 0 });
  const slow = fetch(`${origin}/slow`);
  await started.promise;
  const closed = app.close();
  finish.resolve({ done: true });
  expect(await (await slow).json()).toEqual({ done: true });
  await closed;
  await expect(fetch(`${origin}/livez`)).rejects.toThrow();
});
