/** What a load process is told: as JSON on its input. */
export type LoadPlan = {
  readonly port: number;
  readonly path: string;
  readonly connections: number;
  readonly token: string;
  /** Distinguishes the keys of this run from those of any other. */
  readonly run: string;
  /** 1: a payment a request on `path`; more: bulks of so many payments. */
  readonly perRequest: number;
  /** It ends after so many payments or so many seconds, whichever comes first. */
  readonly payments: number;
  readonly seconds: number;
  /** Payer accounts; payments go round them with a stride, or all to `hot`. */
  readonly accounts: readonly string[];
  readonly hot: string | null;
  /** At most so many payments a second (soak); null: as fast as answers come. */
  readonly rate: number | null;
};

/** What it measured; `refused` are answers that are not the success it asked for. */
export type LoadResult = {
  readonly acknowledged: number;
  readonly refused: number;
  readonly firstRefusal: string | null;
  readonly seconds: number;
  readonly perSecond: number;
  readonly latency: import("./histogram.ts").LatencySummary;
  readonly cpuSeconds: number;
};

function head(plan: LoadPlan, key: string, length: number): string {
  return (
    `POST ${plan.path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ${plan.token}\r\n` +
    `Content-Type: application/json\r\nIdempotency-Key: ${key}\r\nContent-Length: ${length}\r\n\r\n`
  );
}

function fields(plan: LoadPlan, n: number): string {
  const { accounts } = plan;
  const payer = accounts[n % accounts.length];
  const payee = plan.hot ?? accounts[(n * 7919 + 1) % accounts.length];
  return `"payer":"${payer}","payee":"${payee === payer ? accounts[(n + 1) % accounts.length] : payee}","amount":"1","currency":"HKD"`;
}

/** The nth request of a run: payments `n × perRequest` and following. */
export function requestText(plan: LoadPlan, n: number): string {
  const key = `${plan.run}-${n}`;
  if (plan.perRequest === 1) {
    const body = `{${fields(plan, n)}}`;
    return head(plan, key, body.length) + body;
  }
  let items = "";
  for (let i = 0; i < plan.perRequest; i++) {
    const index = n * plan.perRequest + i;
    items += `${i > 0 ? "," : ""}{"idempotencyKey":"${key}.${i}","command":"payment",${fields(plan, index)}}`;
  }
  const body = `{"mode":"each","items":[${items}]}`;
  return head(plan, key, body.length) + body;
}
