import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ReceivedSpan, startTraceReceiver, type TraceReceiver } from "ledger-core/testing";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { openDataFolder } from "../src/data-folder.ts";
import { type Client, createClient, type Endpoint, revisionOf } from "./client.ts";
import { makeToken } from "./harness.ts";
import { type ServiceName, type StartedService, startService } from "./services.ts";
import { fundedWallet, openAccount, pay } from "./steps.ts";

/* A payment is followed from its request to the read models, through three processes and a real receiver of traces. */

const data = mkdtempSync(join(tmpdir(), "payledger-traces-"));
const writes: Endpoint = { url: "", revision: -1 };
const services: StartedService[] = [];
let receiver: TraceReceiver;
let operator: Client;
let writer: StartedService;
let queries: StartedService;
let token: string;

beforeAll(async () => {
  await openDataFolder(data);
  receiver = await startTraceReceiver();
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint };
  const start = async (name: ServiceName) => {
    const service = await startService(name, data, env);
    services.push(service);
    return service;
  };
  [writer, queries] = await Promise.all([start("command-service"), start("query-service"), start("projections")]);
  writes.url = writer.url;
  token = await makeToken(data, "operator", "operator", "default");
  operator = createClient(writes, token);
});
afterAll(async () => {
  for (const service of services) await service.end("SIGKILL").catch(() => null);
  await receiver.close();
  rmSync(data, { recursive: true, force: true });
});

/** The span that fits, as soon as it has arrived. */
const arrived = (fits: (span: ReceivedSpan) => boolean) =>
  vi.waitFor(
    () => {
      const span = receiver.spans.find(fits);
      expect(span).toBeDefined();
      return span ?? expect.unreachable();
    },
    { timeout: 60_000, interval: 50 },
  );

test("a payment's request leads to its event, and the event's trace to the read models", async () => {
  const [traceId, spanId] = ["4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"];
  const payer = await fundedWallet(operator, "100000");
  const payee = await openAccount(operator, { type: "merchant" });
  const fields = { payer, payee, amount: "1", currency: "HKD" };
  const traceparent = `00-${traceId}-${spanId}-01`;
  const made = await operator.post("/v1/payments", fields, { headers: { traceparent } });
  const position = `0:${revisionOf(made)}`;

  const request = await arrived((span) => span.traceId === traceId && span.name === "POST /v1/payments");
  expect(request).toMatchObject({
    ...{ service: "command-service", parentSpanId: spanId, failed: false },
    attributes: { "http.response.status_code": 201, "ledger.position": position },
  });
  const [link = expect.unreachable()] = request.links;
  const decided = await arrived((span) => span.name === "decide and append" && span.parentSpanId === request.spanId);
  expect(decided).toMatchObject({ traceId, links: [link] });

  const event = await arrived((span) => span.spanId === link.spanId);
  expect(event).toMatchObject({
    ...{ service: "command-service", name: "append PaymentCharged", traceId: link.traceId },
    attributes: { "ledger.position": position },
  });
  const [batch = expect.unreachable()] = event.links;
  expect(await arrived((span) => span.spanId === batch.spanId)).toMatchObject({
    name: "append",
    traceId: batch.traceId,
  });
  expect(decided.startNs <= event.startNs && event.endNs <= decided.endNs).toBe(true);

  for (const projection of ["models", "graph"]) {
    const applied = await arrived((span) => span.traceId === link.traceId && span.name === `apply ${projection}`);
    expect(applied).toMatchObject({ service: "projections", parentSpanId: link.spanId });
    expect(applied.attributes).toMatchObject({ "ledger.position": position });
  }

  const reader = createClient({ url: queries.url, revision: revisionOf(made) }, token);
  await reader.get(`/v1/accounts/${payer}`, { traceparent });
  const query = await arrived((span) => span.traceId === traceId && span.name === "GET /v1/accounts/:id");
  expect(query).toMatchObject({ service: "query-service", parentSpanId: spanId });
  await arrived((span) => span.name === "query" && span.parentSpanId === query.spanId);
});

test("a caller that keeps no trace gets none, a malformed one is ignored, and nobody's id is in a trace", async () => {
  const unkept = `00-${"a".repeat(32)}-${"b".repeat(16)}-00`;
  await openAccount(operator, { owner: "nobody-to-see" });
  const body = { type: "wallet", currency: "HKD", owner: "nobody-to-see" };
  await operator.post("/v1/accounts", body, { headers: { traceparent: unkept } });
  const last = await operator.post("/v1/accounts", body, { headers: { traceparent: "00-zz" } });
  const position = `0:${revisionOf(last)}`;
  const request = await arrived(
    ({ name, attributes }) => name === "POST /v1/accounts" && attributes["ledger.position"] === position,
  );
  expect(request.parentSpanId).toBeUndefined();
  expect(receiver.spans.filter((span) => span.traceId === "a".repeat(32))).toEqual([]);
  const text = JSON.stringify(receiver.spans, (_, value) => (typeof value === "bigint" ? String(value) : value));
  expect(text).not.toContain("nobody-to-see");
});

test("while the receiver does not answer, commands do", async () => {
  const payer = await fundedWallet(operator, "100000");
  const payee = await openAccount(operator, { type: "merchant" });
  receiver.behave("hold");
  await Promise.all([receiver.holds(), pay(operator, { payer, payee, amount: "1" })]);
  const made = await Promise.all(Array.from({ length: 50 }, () => pay(operator, { payer, payee, amount: "1" })));
  expect(made.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 201));
  expect(await writer.end("SIGTERM")).toBe(0);
});
