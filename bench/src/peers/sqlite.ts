import { DatabaseSync } from "node:sqlite";
import { fastify } from "fastify";
import { childOptions, listenAnywhere, serveParent } from "../servers/child.ts";
import { type PeerPayment, type PeerQuestion, paymentSchema, peerAccounts } from "./peer.ts";

/**
 * A peer that does the same job in the usual way: Fastify on SQLite, one durable transaction per payment. It reads and
 * updates both accounts and inserts a transfer and two entries; the idempotency key is unique.
 */
const { file } = childOptions((value) => value as { file: string });
const db = new DatabaseSync(file);
db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
  CREATE TABLE accounts (id TEXT PRIMARY KEY, balance INTEGER NOT NULL) STRICT;
  CREATE TABLE transfers (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, payer TEXT NOT NULL, payee TEXT NOT NULL,
    amount INTEGER NOT NULL,
    at INTEGER NOT NULL) STRICT;
  CREATE TABLE entries (account TEXT NOT NULL, transfer INTEGER NOT NULL,
    amount INTEGER NOT NULL, balance INTEGER NOT NULL,
    PRIMARY KEY (account, transfer)) STRICT, WITHOUT ROWID;`);
const [begin, commit, rollback] = ["BEGIN IMMEDIATE", "COMMIT", "ROLLBACK"].map((sql) => db.prepare(sql));
const known = db.prepare("SELECT id FROM transfers WHERE key = ?");
const update = db.prepare("UPDATE accounts SET balance = balance + ? WHERE id = ? RETURNING balance");
const transfer = db.prepare("INSERT INTO transfers (key, payer, payee, amount, at) VALUES (?, ?, ?, ?, ?)");
const entry = db.prepare("INSERT INTO entries VALUES (?, ?, ?, ?)");
const app = fastify();
app.post<{ Body: PeerPayment }>("/v1/payments", { schema: { body: paymentSchema } }, async (request, reply) => {
  const key = String(request.headers["idempotency-key"]);
  const { payer, payee, amount } = request.body;
  begin?.run();
  try {
    const before = known.get(key);
    const id = before ? Number(before.id) : book(key, payer, payee, Number(amount));
    commit?.run();
    return await reply.code(201).send({ id, payer, payee, amount, currency: "HKD", status: "captured" });
  } catch (error) {
    rollback?.run();
    throw error;
  }
});

function book(key: string, payer: string, payee: string, amount: number): number {
  const from = update.get(-amount, payer);
  const to = update.get(amount, payee);
  if (!from || !to) throw new Error("no such account");
  const id = Number(transfer.run(key, payer, payee, amount, Date.now()).lastInsertRowid);
  entry.run(payer, id, -amount, from.balance ?? null);
  entry.run(payee, id, amount, to.balance ?? null);
  return id;
}

const open = db.prepare("INSERT INTO accounts VALUES (?, 0)");
function answer(asked: PeerQuestion): object {
  switch (asked.ask) {
    case "accounts": {
      const accounts = peerAccounts(asked.count);
      db.exec("BEGIN");
      for (const id of accounts) open.run(id);
      db.exec("COMMIT");
      return { accounts };
    }
    case "books": {
      const { payments } = db.prepare("SELECT COUNT(*) AS payments FROM transfers").get() ?? {};
      const { sum } = db.prepare("SELECT SUM(amount) AS sum FROM entries").get() ?? {};
      return { payments: Number(payments), sum: String(sum) };
    }
    default:
      return asked satisfies never;
  }
}

const port = await listenAnywhere(app);
await serveParent(
  { port, token: "none" },
  async (question) => answer(question as PeerQuestion),
  async () => {
    await app.close();
    db.close();
  },
);
