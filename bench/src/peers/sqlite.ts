import { DatabaseSync } from "node:sqlite";
import { fastify } from "fastify";
import { childOptions, listenAnywhere, serveParent } from "../servers/child.ts";

/**
 * A peer that does the same job in the usual way: Fastify in front of SQLite, one durable transaction a payment: both accounts read
 * and updated, a transfer and two entries inserted, the idempotency key unique.
 */
const { file } = childOptions((value) => value as { file: string });
const db = new DatabaseSync(file);
db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
  CREATE TABLE accounts (id TEXT PRIMARY KEY, balance INTEGER NOT NULL) STRICT;
  CREATE TABLE transfers (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, payer TEXT NOT NULL, payee TEXT NOT NULL, amount INTEGER NOT NULL,
    at INTEGER NOT NULL) STRICT;
  CREATE TABLE entries (account TEXT NOT NULL, transfer INTEGER NOT NULL, amount INTEGER NOT NULL, balance INTEGER NOT NULL,
    PRIMARY KEY (account, transfer)) STRICT, WITHOUT ROWID;`);
const [begin, commit, rollback] = ["BEGIN IMMEDIATE", "COMMIT", "ROLLBACK"].map((sql) => db.prepare(sql));
const known = db.prepare("SELECT id FROM transfers WHERE key = ?");
const update = db.prepare("UPDATE accounts SET balance = balance + ? WHERE id = ? RETURNING balance");
const transfer = db.prepare("INSERT INTO transfers (key, payer, payee, amount, at) VALUES (?, ?, ?, ?, ?)");
const entry = db.prepare("INSERT INTO entries VALUES (?, ?, ?, ?)");
const app = fastify();
const text = { type: "string" } as const;
const body = {
  type: "object",
  required: ["payer", "payee", "amount", "currency"],
  properties: { payer: text, payee: text, amount: text, currency: text },
} as const;
type Payment = { payer: string; payee: string; amount: string; currency: string };
app.post<{ Body: Payment }>("/v1/payments", { schema: { body } }, async (request, reply) => {
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

const port = await listenAnywhere(app);
const open = db.prepare("INSERT INTO accounts VALUES (?, 0)");
const answer = async (question: unknown) => {
  const { count } = question as { count: number };
  db.exec("BEGIN");
  const accounts = Array.from({ length: count }, (_, n) => `acct_${String(n).padStart(26, "0")}`);
  for (const id of accounts) open.run(id);
  db.exec("COMMIT");
  return { accounts };
};
const stop = async () => {
  await app.close();
  db.close();
};
await serveParent({ port, token: "none" }, answer, stop);
