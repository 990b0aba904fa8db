import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { type ClientReply, createClient, type Endpoint } from "../client.ts";
import { textAt } from "../json.ts";
import type { SentPayment } from "../load.ts";

/** A client's pause before it repeats a request. */
const PAUSE_MS = 20;

/** The address of a service whose process is replaced under load. */
export type Address = {
  /** The address, once there is one. */
  current(): Promise<string>;
  /** The process has ended: another one, of anybody, may listen there now. */
  withdraw(): void;
  moveTo(url: string): void;
};

export function makeAddress(): Address {
  let next = Promise.withResolvers<string>();
  return {
    current: () => next.promise,
    withdraw() {
      next = Promise.withResolvers();
    },
    moveTo: (url) => next.resolve(url),
  };
}

/** Clients that pay, and readers, all of whom go on across restarts. */
export type SteadyLoad = {
  /** Payments that have their answer, by key. */
  readonly acknowledged: ReadonlyMap<string, SentPayment>;
  /** Resolves once this many more payments were answered and read back. @throws the first fault of a client */
  more(count: number): Promise<void>;
  /** Ends once every client has its last answer. @throws the first fault of a client */
  end(): Promise<void>;
};

type LoadOptions = {
  readonly token: string;
  readonly commands: Address;
  readonly queries: Address;
  readonly accounts: readonly string[];
  readonly random: () => number;
};

const CLIENTS = 6;

/** Each client repeats a payment with the same key until it is answered, and then reads it at its position. */
export function startSteadyLoad({ token, commands, queries, accounts, random }: LoadOptions): SteadyLoad {
  const acknowledged = new Map<string, SentPayment>();
  const waiters: { count: number; resolve: () => void }[] = [];
  let ended = false;

  /** Repeats a request while it is cut off or answered 503; any other answer is final. */
  const untilAnswered = async (address: Address, send: (url: string) => Promise<ClientReply>): Promise<ClientReply> => {
    for (;;) {
      const reply = await send(await address.current()).catch(() => undefined);
      if (reply && reply.status !== 503) return reply;
      await delay(PAUSE_MS);
    }
  };
  const client = async (): Promise<void> => {
    while (!ended) {
      const from = Math.floor(random() * accounts.length);
      const to = (from + 1 + Math.floor(random() * (accounts.length - 1))) % accounts.length;
      const key = randomUUID();
      const body = { payer: accounts[from], payee: accounts[to], amount: "1", currency: "HKD", reference: key };
      const endpoint: Endpoint = { url: "", revision: -1 };
      const caller = (url: string) => createClient(Object.assign(endpoint, { url }), token);
      const reply = await untilAnswered(commands, (url) => caller(url).post("/v1/payments", body, { key }));
      expect(reply.status, reply.text).toBe(201);
      acknowledged.set(key, { key, body, reply });
      const seen = await untilAnswered(queries, (url) => caller(url).get(`/v1/payments/${textAt(reply.body, "id")}`));
      expect(seen.status, seen.text).toBe(200);
      expect(seen.body).toEqual(reply.body);
      for (const waiter of waiters) if (acknowledged.size >= waiter.count) waiter.resolve();
    }
  };
  const all = Promise.all(Array.from({ length: CLIENTS }, client));
  // A fault is reported to whoever waits, not as an unhandled rejection before that.
  all.catch(() => undefined);
  return {
    acknowledged,
    async more(count) {
      const reached = new Promise<void>((resolve) => {
        waiters.push({ count: acknowledged.size + count, resolve });
      });
      await Promise.race([reached, all]);
    },
    async end() {
      ended = true;
      await all;
    },
  };
}
