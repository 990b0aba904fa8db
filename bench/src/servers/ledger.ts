import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { openWriter, registerCommands, type Writer } from "command-service";
import { type Caller, decodeEvent, type OpenAccount, parseCurrency, postingsOf } from "ledger-core";
import { openEventLog } from "ledger-core/engines";
import { type EventLog, openLogThread } from "ledger-core/event-log";
import { createEdge, openCallerLimits } from "ledger-core/http";
import { authenticator, createSigningKeys, signToken } from "ledger-core/http/tokens";
import { allocateYoung, createLogger, keepTicksFast } from "ledger-core/process";
import { childOptions, listenAnywhere, memory, serveParent } from "./child.ts";
import { watchStalls } from "./stalls.ts";

export type { AppendCounts } from "./stalls.ts";

/** Options and requests of the parent; the answers are plain objects. */
export type LedgerServerOptions = {
  readonly folder: string;
  readonly accountsCached?: number;
  /** The EventStoreDB that has the log. Default: SQLite in the folder. */
  readonly url?: string;
  /** Whether other processes may read the log. Default: no. */
  readonly shared?: boolean;
};
export type LedgerServerReady = {
  readonly port: number;
  readonly token: string;
  readonly openMs: number;
  readonly openCpuMs: number;
};
export type LedgerQuestion =
  | { readonly ask: "accounts"; readonly count: number }
  | { readonly ask: "check" | "memory" | "stalls" | "appends" };
export type LedgerCheck = {
  readonly payments: number;
  readonly events: number;
  readonly sum: string;
  readonly seconds: number;
};

/**
 * The real command-service on the embedded log: edge, authentication, validation, idempotency, decision state, durable
 * append. Projections run elsewhere, as in production, and are not included.
 */
const { folder, accountsCached, url, shared } = childOptions((value) => value as LedgerServerOptions);
const operator: Caller = { tenant: "bench", role: "operator", sub: "bench" };
allocateYoung();
const releaseTicks = keepTicksFast();
mkdirSync(folder, { recursive: true });
const began = performance.now();
const file = join(folder, "events.sqlite");
const thread =
  url === undefined && shared !== true
    ? await openLogThread({ file })
    : await openEventLog(url === undefined ? { kind: "sqlite", file } : { kind: "eventstoredb", url });
const stalls = watchStalls(thread.log);
const { log } = stalls;
const cache = accountsCached === undefined ? {} : { accountsCached };
const writer = await openWriter({ log, shard: 0, stateFile: join(folder, "state.sqlite"), ...cache });
const openMs = performance.now() - began;
const keys = await createSigningKeys();
const logger = createLogger({ name: "bench", level: "error" });
const limits = await openCallerLimits({ file: join(folder, "revocations.sqlite"), writes: true, policies: {}, logger });
const { revocations, quotas } = limits;
const authenticate = authenticator([keys.publicKey], { revocations });
const app = await createEdge({ logger, authenticate, revocations, quotas });
registerCommands(app, { writer });
const port = await listenAnywhere(app);
const token = await signToken({ ...operator, ttlSeconds: 86_400 }, keys);
const { user, system } = process.cpuUsage();
const ready: LedgerServerReady = { port, token, openMs, openCpuMs: (user + system) / 1000 };
await serveParent(ready, answer, async () => {
  await app.close();
  await limits.close();
  await writer.stop();
  await thread.close();
  releaseTicks();
});

async function answer(question: unknown): Promise<object> {
  const asked = question as LedgerQuestion;
  switch (asked.ask) {
    case "accounts":
      return { accounts: await openAccounts(writer, asked.count) };
    case "check":
      return check(log);
    case "memory":
      return memory();
    case "stalls":
      return stalls.take();
    case "appends":
      return stalls.takeAppends();
    default:
      return asked satisfies never;
  }
}

async function openAccounts(on: Writer, count: number): Promise<string[]> {
  const currency = parseCurrency("HKD");
  if (!currency) throw new Error("HKD is a currency");
  const command = (n: number): OpenAccount => ({
    ...{
      type: "OpenAccount",
      accountType: "wallet",
      currency,
      owner: `owner-${n}`,
      displayName: null,
      timeZone: "UTC",
    },
    ...{ limits: { floor: null, perTransaction: null, perDay: null }, metadata: {} },
  });
  const opened: string[] = [];
  for (let first = 0; first < count; first += 2000) {
    const length = Math.min(2000, count - first);
    const submit = (_: unknown, i: number) =>
      on.submit({ caller: operator, key: `open-${first + i}`, command: command(first + i) });
    for (const one of await Promise.all(Array.from({ length }, submit))) {
      if (one.kind === "recorded" && one.event.fact.type === "AccountOpened") opened.push(one.event.fact.account.id);
    }
  }
  return opened;
}

/** Reads and verifies the whole log: how many payments it holds, and that all postings sum to zero. */
async function check(on: EventLog): Promise<LedgerCheck> {
  const start = performance.now();
  let [payments, events, sum] = [0, 0, 0n];
  for await (const batch of on.read(0, 0)) {
    for (const stored of batch) {
      const { fact } = decodeEvent(stored);
      events++;
      if (fact.type === "PaymentCharged") payments++;
      for (const posting of postingsOf(fact)) sum += posting.amount;
    }
  }
  return { payments, events, sum: String(sum), seconds: (performance.now() - start) / 1000 };
}
