import type { LatencySummary } from "./histogram.ts";

/** The plan of a load process, as JSON on its input. */
export type LoadPlan = {
  readonly port: number;
  readonly path: string;
  readonly connections: number;
  readonly token: string;
  /** Makes the keys of this run unique. */
  readonly run: string;
  /** 1: one payment per request on `path`; more: bulks of that many payments. */
  readonly perRequest: number;
  /** Mode of bulks. Default: each. */
  readonly mode?: "each" | "atomic";
  /** Ends after this many payments or seconds, whichever comes first. */
  readonly payments: number;
  readonly seconds: number;
  /** Payer accounts in turn; payees with a stride, or all `hot`. */
  readonly accounts: readonly string[];
  readonly hot: string | null;
  /** Payments per second, whether answers come or not; null for unpaced. */
  readonly rate: number | null;
  /** Reports every span of this many seconds; by default only the total. */
  readonly windowSeconds?: number;
};

/** The result; `refused` counts answers other than the expected success. */
export type LoadResult = {
  readonly acknowledged: number;
  readonly refused: number;
  readonly firstRefusal: string | null;
  readonly seconds: number;
  readonly perSecond: number;
  readonly latency: LatencySummary;
  readonly cpuSeconds: number;
};

/** A span of a load, by its end in seconds since the start. */
export type LoadWindow = { readonly atSeconds: number; readonly perSecond: number; readonly latency: LatencySummary };

/** Payer and payee of the nth payment of a run; never the same account if there are two. */
export function partiesOf({ accounts, hot }: LoadPlan, n: number): { readonly payer: string; readonly payee: string } {
  const payer = accountAt(accounts, n);
  const payee = hot ?? accountAt(accounts, n * 7919 + 1);
  return { payer, payee: payee === payer ? accountAt(accounts, n + 1) : payee };
}

function accountAt(accounts: readonly string[], n: number): string {
  const account = accounts[n % accounts.length];
  if (account === undefined) throw new Error("a load needs accounts");
  return account;
}

/** How many requests the plan has if time allows. */
export function requestsOf(plan: LoadPlan): number {
  return Math.ceil(plan.payments / plan.perRequest);
}

/** The nth request of a run: payments `n × perRequest` and following. ASCII only, so that characters are bytes. */
export function requestText(plan: LoadPlan, n: number): string {
  const key = `${plan.run}-${n}`;
  if (plan.perRequest === 1) return post(plan, key, `{${fields(plan, n)}}`);
  let items = "";
  for (let i = 0; i < plan.perRequest; i++) {
    const index = n * plan.perRequest + i;
    items += `${i > 0 ? "," : ""}{"idempotencyKey":"${key}.${i}","command":"payment",${fields(plan, index)}}`;
  }
  return post(plan, key, `{"mode":"${plan.mode ?? "each"}","items":[${items}]}`);
}

function fields(plan: LoadPlan, n: number): string {
  const { payer, payee } = partiesOf(plan, n);
  return `"payer":"${payer}","payee":"${payee}","amount":"1","currency":"HKD"`;
}

function post(plan: LoadPlan, key: string, body: string): string {
  return (
    `POST ${plan.path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ${plan.token}\r\n` +
    `Content-Type: application/json\r\nIdempotency-Key: ${key}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  );
}

/** A GET as text; `headers` are whole lines. */
export function getText(path: string, token: string, headers: readonly string[] = []): string {
  const lines = [`GET ${path} HTTP/1.1`, "Host: bench", `Authorization: Bearer ${token}`, ...headers];
  return `${lines.join("\r\n")}\r\n\r\n`;
}
