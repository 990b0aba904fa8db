import type { BookTotals } from "../checks.ts";
import { startChild } from "../children.ts";

/** A server that does the same job in the usual way, and its options. */
export type Peer = { readonly name: string; readonly script: string; readonly options: object };

/** The first line of a peer's process: its port, or why it cannot run on this machine. */
export type PeerReady = { readonly port: number; readonly token: string } | { readonly absent: string };
/** Requests to it: open accounts, or report its books. */
export type PeerQuestion = { readonly ask: "accounts"; readonly count: number } | { readonly ask: "books" };

export type RunningPeer = {
  readonly name: string;
  readonly port: number;
  readonly token: string;
  readonly accounts: readonly string[];
  books(): Promise<BookTotals>;
  stop(): Promise<void>;
};

/** Starts the peers that this machine has, with this many accounts each; reports those left out and why. */
export async function startPeers(peers: readonly Peer[], accountCount: number): Promise<RunningPeer[]> {
  const started: RunningPeer[] = [];
  for (const { name, script, options } of peers) {
    const child = await startChild<PeerReady>(script, options);
    const { ready, stop } = child;
    if ("absent" in ready) {
      process.stderr.write(`left out: ${name}: ${ready.absent}\n`);
      await stop();
      continue;
    }
    const opening: PeerQuestion = { ask: "accounts", count: accountCount };
    const { accounts } = await child.ask<{ accounts: string[] }>(opening);
    const books = () => child.ask<BookTotals>({ ask: "books" } satisfies PeerQuestion);
    started.push({ name, port: ready.port, token: ready.token, accounts, books, stop });
  }
  return started;
}

/** The ids of a peer's accounts, as long as the ledger's own. */
export function peerAccounts(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `acct_${String(n).padStart(26, "0")}`);
}

/** The body of a payment for every peer and the floor. */
export type PeerPayment = { payer: string; payee: string; amount: string; currency: string };
const text = { type: "string" } as const;
export const paymentSchema = {
  type: "object",
  required: ["payer", "payee", "amount", "currency"],
  properties: { payer: text, payee: text, amount: text, currency: text },
} as const;
