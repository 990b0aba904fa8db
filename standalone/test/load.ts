import { randomUUID } from "node:crypto";
import type { Client, ClientReply } from "./client.ts";

/** A payment that was sent, and its answer, if any. */
export type SentPayment = { readonly key: string; readonly body: object; reply?: ClientReply };

export type Load = {
  readonly sent: readonly SentPayment[];
  /** Resolves once this many payments of the load were answered. */
  answered(count: number): Promise<void>;
  /** Sends no more, and waits until every open request is answered or cut off. */
  end(): Promise<void>;
};

/** Payments one after another from several concurrent clients, each with its own key, which is also its reference. */
export function startLoad(
  client: Client,
  accounts: readonly string[],
  random: () => number,
  { width = 16, amountMax = 9 }: { width?: number; amountMax?: number } = {},
): Load {
  const sent: SentPayment[] = [];
  const waiters: { count: number; resolve: () => void }[] = [];
  let answers = 0;
  let ended = false;
  const pick = (count: number) => Math.floor(random() * count);
  const worker = async () => {
    while (!ended) {
      const from = pick(accounts.length);
      const to = (from + 1 + pick(accounts.length - 1)) % accounts.length;
      const key = randomUUID();
      const amount = String(1 + pick(amountMax));
      const body = { payer: accounts[from], payee: accounts[to], amount, currency: "HKD", reference: key };
      const item: SentPayment = { key, body };
      sent.push(item);
      try {
        item.reply = await client.post("/v1/payments", body, { key });
        answers++;
        for (const waiter of waiters) if (answers >= waiter.count) waiter.resolve();
      } catch {
        // Cut off: the payment may or may not have been made, and there is no server to continue with.
        return;
      }
    }
  };
  const workers = Array.from({ length: width }, worker);
  return {
    sent,
    answered: (count) =>
      new Promise((resolve) => {
        if (answers >= count) resolve();
        else waiters.push({ count, resolve });
      }),
    async end() {
      ended = true;
      await Promise.all(workers);
    },
  };
}
