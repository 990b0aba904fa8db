import { fastify } from "fastify";
import { listenAnywhere, serveParent } from "./child.ts";

/**
 * The floor: Fastify with a schema that returns the same body with nothing behind it. The difference from the ledger is
 * the ledger's own work.
 */
const app = fastify({ bodyLimit: 4 * 2 ** 20 });
const text = { type: "string" } as const;
const payment = {
  type: "object",
  required: ["payer", "payee", "amount", "currency"],
  properties: { payer: text, payee: text, amount: text, currency: text },
} as const;
const answer = {
  ...{ id: `pay_${"0".repeat(26)}`, payer: `acct_${"0".repeat(26)}`, payee: `acct_${"1".repeat(26)}`, amount: "1" },
  ...{
    currency: "HKD",
    status: "captured",
    captured: "1",
    refunded: "0",
    fee: "0",
    capture: "automatic",
    reference: null,
  },
  ...{ metadata: {}, createdAt: "2026-01-01T00:00:00.000000Z", expiresAt: null },
};
app.post("/v1/payments", { schema: { body: payment } }, async (_request, reply) => {
  reply.code(201).header("content-type", "application/json; charset=utf-8");
  return JSON.stringify(answer);
});
const items = { type: "array", items: { type: "object" } } as const;
const bulk = { type: "object", required: ["items"], properties: { items } } as const;
app.post<{ Body: { items: object[] } }>("/v1/bulk", { schema: { body: bulk } }, async (request, reply) => {
  reply.header("content-type", "application/json; charset=utf-8");
  const results = request.body.items.map(() => ({ status: 201, id: answer.id, position: "0:123456" }));
  return JSON.stringify({ results });
});
const port = await listenAnywhere(app);
await serveParent(
  { port },
  async () => ({}),
  () => app.close(),
);
