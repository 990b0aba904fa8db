import type { MysqlConnection } from "ledger-core/sql";
import { createPool, type Pool, type PoolConnection, type ResultSetHeader, type RowDataPacket } from "mysql2/promise";
import type { BookTotals } from "../../checks.ts";
import type { PeerPayment } from "../peer.ts";

/** A ledger in four tables, as an application would build it. */
export type MariadbBooks = {
  open(accounts: readonly string[]): Promise<void>;
  /** One transaction; a repeated key returns the transfer that it made. @returns the transfer's id */
  pay(key: string, payment: PeerPayment): Promise<number>;
  books(): Promise<BookTotals>;
  close(): Promise<void>;
};

const CONNECTIONS = 64;
const tables = [
  `CREATE TABLE accounts (id CHAR(31) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY, balance BIGINT NOT NULL)
    ENGINE=InnoDB`,
  `CREATE TABLE transfers (id BIGINT PRIMARY KEY AUTO_INCREMENT,
    idempotency_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    payer CHAR(31) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    payee CHAR(31) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    amount BIGINT NOT NULL, at BIGINT NOT NULL, UNIQUE KEY by_key (idempotency_key)) ENGINE=InnoDB`,
  `CREATE TABLE entries (account CHAR(31) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    transfer BIGINT NOT NULL, amount BIGINT NOT NULL,
    balance BIGINT NOT NULL, PRIMARY KEY (account, transfer)) ENGINE=InnoDB`,
];

export async function openMariadbBooks({ tls, ...connection }: MysqlConnection): Promise<MariadbBooks> {
  const { host, port, user, password, database } = connection;
  const pool = createPool({
    ...{ host, port, user, password, database },
    ...{ connectionLimit: CONNECTIONS, maxIdle: CONNECTIONS, supportBigNumbers: true, bigNumberStrings: true },
    ...(tls && { ssl: { ...(tls.ca && { ca: tls.ca }), verifyIdentity: true } }),
  });
  for (const table of tables) await pool.query(table);
  return {
    async open(accounts) {
      for (let from = 0; from < accounts.length; from += 1000)
        await pool.query("INSERT INTO accounts VALUES ?", [accounts.slice(from, from + 1000).map((id) => [id, 0])]);
    },
    pay: (key, payment) => pay(pool, key, payment),
    async books() {
      const [[payments]] = await pool.query<RowDataPacket[]>("SELECT COUNT(*) AS n FROM transfers");
      const [[sums]] = await pool.query<RowDataPacket[]>(
        "SELECT (SELECT SUM(amount) FROM entries) AS moved, (SELECT SUM(balance) FROM accounts) AS stands",
      );
      return { payments: Number(payments?.n), sum: String(Number(sums?.moved) + Number(sums?.stands)) };
    },
    close: () => pool.end(),
  };
}

async function pay(pool: Pool, key: string, payment: PeerPayment): Promise<number> {
  const connection = await pool.getConnection();
  try {
    await connection.query("START TRANSACTION");
    const id = await book(connection, key, payment);
    await connection.query("COMMIT");
    return id;
  } catch (error) {
    await connection.query("ROLLBACK");
    if (!isDuplicate(error)) throw error;
    const [[known]] = await pool.execute<RowDataPacket[]>("SELECT id FROM transfers WHERE idempotency_key = ?", [key]);
    return Number(known?.id);
  } finally {
    connection.release();
  }
}

/** Locks both accounts in the order of their ids, so that payments cannot deadlock. */
async function book(connection: PoolConnection, key: string, { payer, payee, amount }: PeerPayment): Promise<number> {
  const [rows] = await connection.execute<RowDataPacket[]>(
    "SELECT id, balance FROM accounts WHERE id IN (?, ?) ORDER BY id FOR UPDATE",
    [payer, payee],
  );
  const [from, to] = [payer, payee].map((account) => rows.find(({ id }) => id === account));
  if (!from || !to) throw new Error("no such account");
  const moved = BigInt(amount);
  const [fromAfter, toAfter] = [BigInt(from.balance) - moved, BigInt(to.balance) + moved].map(String);
  await connection.execute("UPDATE accounts SET balance = IF(id = ?, ?, ?) WHERE id IN (?, ?)", [
    ...[payer, fromAfter ?? "", toAfter ?? ""],
    ...[payer, payee],
  ]);
  const [{ insertId }] = await connection.execute<ResultSetHeader>(
    "INSERT INTO transfers (idempotency_key, payer, payee, amount, at) VALUES (?, ?, ?, ?, ?)",
    [key, payer, payee, amount, Date.now()],
  );
  await connection.execute("INSERT INTO entries VALUES (?, ?, ?, ?), (?, ?, ?, ?)", [
    ...[payer, insertId, String(-moved), fromAfter ?? ""],
    ...[payee, insertId, amount, toAfter ?? ""],
  ]);
  return insertId;
}

function isDuplicate(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ER_DUP_ENTRY";
}
