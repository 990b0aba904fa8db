import { fastify } from "fastify";
import { listenAnywhere, serveParent } from "../servers/child.ts";
import { openMariadbBooks } from "./adapters/mariadb-books.ts";
import { startBenchMariadb } from "./mariadb-engine.ts";
import { type PeerPayment, type PeerQuestion, type PeerReady, paymentSchema, peerAccounts } from "./peer.ts";

/**
 * A peer that does the same job in the usual way: Fastify on MariaDB, one durable transaction per payment, on as many
 * connections as there are concurrent payments.
 */
const engine = await startBenchMariadb();
if ("absent" in engine) {
  await serveParent(
    engine satisfies PeerReady,
    async () => ({}),
    async () => undefined,
  );
} else {
  const ledger = await openMariadbBooks(engine.connection);
  const app = fastify();
  app.post<{ Body: PeerPayment }>("/v1/payments", { schema: { body: paymentSchema } }, async (request, reply) => {
    const { payer, payee, amount } = request.body;
    const id = await ledger.pay(String(request.headers["idempotency-key"]), request.body);
    return reply.code(201).send({ id, payer, payee, amount, currency: "HKD", status: "captured" });
  });
  const answer = async (asked: PeerQuestion): Promise<object> => {
    if (asked.ask === "books") return ledger.books();
    const accounts = peerAccounts(asked.count);
    await ledger.open(accounts);
    return { accounts };
  };
  const ready: PeerReady = { port: await listenAnywhere(app), token: "none" };
  await serveParent(
    ready,
    async (question) => answer(question as PeerQuestion),
    async () => {
      await app.close();
      await ledger.close();
      await engine.stop();
    },
  );
}
