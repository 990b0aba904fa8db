import { type Caller, callerKey } from "../domain/caller.ts";
import type { QuotaCount, QuotaCounts } from "../ports/quota-counts.ts";
import type { Runtime } from "../ports/runtime.ts";
import { systemRuntime } from "../process/runtime.ts";
import { Problem } from "./problems.ts";

/** At most so many requests in so many seconds; the windows begin at multiples of them since 1970. */
export type QuotaPolicy = { readonly requests: number; readonly seconds: number };

/** The quotas that there are; without any, nothing is counted. */
export type QuotaPolicies = { readonly caller?: QuotaPolicy; readonly tenant?: QuotaPolicy };

export type QuotaOptions = {
  readonly policies: QuotaPolicies;
  /** Where services count together. Default: this process counts by itself. */
  readonly shared?: QuotaCounts;
  /** How often counts are exchanged. 10 to 10,000 ms, default 250. */
  readonly everyMs?: number;
  /** Callers, and tenants, counted in a window; requests of further ones are not limited. Default 100,000. */
  readonly keysMax?: number;
  readonly runtime?: Runtime;
};

/** Limits how many requests a caller, and all callers of a tenant, may make. */
export type Quotas = {
  /**
   * Counts a request and returns the headers that say what is left; undefined where nothing is limited.
   * @throws Problem `too_many_requests`; the request is not counted then
   */
  admit(caller: Caller): Readonly<Record<string, string>> | undefined;
  /** Exchanges that failed since the start: meanwhile each process counts by itself. */
  readonly failures: number;
  /** Requests since the start that were not counted, since too many others were. */
  readonly uncounted: number;
  close(): Promise<void>;
};

/** A key's requests: those of all processes when counts were last exchanged, and this one's since. */
type Usage = { readonly key: string; told: number; untold: number };

const BATCH_MAX = 1000;

/**
 * Every process counts its own requests and exchanges counts with the others at intervals, so that no request waits. A
 * quota may be exceeded by what the other processes admit within an interval.
 */
export function openQuotas(options: QuotaOptions): Quotas {
  const { policies, shared, everyMs = 250, keysMax = 100_000, runtime = systemRuntime } = options;
  const limits = [
    policies.caller && new Limit("caller", policies.caller, keysMax, callerKey),
    policies.tenant && new Limit("tenant", policies.tenant, keysMax, ({ tenant }) => tenant),
  ].filter((limit) => limit !== undefined);
  let failures = 0;
  let exchanging: Promise<void> | undefined;

  async function exchange(counts: QuotaCounts): Promise<void> {
    try {
      for (const limit of limits) await limit.exchange(counts);
    } catch {
      failures++;
    } finally {
      exchanging = undefined;
    }
  }

  const stop =
    shared === undefined || limits.length === 0
      ? () => {}
      : runtime.every(everyMs, () => {
          exchanging ??= exchange(shared);
        });
  return {
    admit(caller) {
      if (limits.length === 0) return undefined;
      const nowS = runtime.now() / 1_000_000;
      const usages = limits.map((limit) => limit.usageOf(caller, nowS));
      const full = limits.find((limit, index) => limit.left(usages[index]) <= 0);
      if (full) throw exceeded(full, headersOf(limits, usages, nowS), nowS);
      for (const usage of usages) if (usage) usage.untold++;
      return headersOf(limits, usages, nowS);
    },
    get failures() {
      return failures;
    },
    get uncounted() {
      return limits.reduce((sum, { uncounted }) => sum + uncounted, 0);
    },
    async close() {
      stop();
      await exchanging;
      await shared?.close();
    },
  };
}

/** The requests of a window under one policy. */
class Limit {
  readonly name: string;
  readonly policy: QuotaPolicy;
  readonly #keysMax: number;
  readonly #keyOf: (caller: Caller) => string;
  #window = Number.NaN;
  #usages = new Map<string, Usage>();
  uncounted = 0;

  constructor(name: string, policy: QuotaPolicy, keysMax: number, keyOf: (caller: Caller) => string) {
    this.name = name;
    this.policy = policy;
    this.#keysMax = keysMax;
    this.#keyOf = keyOf;
  }

  /** Undefined if no more keys are counted. */
  usageOf(caller: Caller, nowS: number): Usage | undefined {
    const window = Math.floor(nowS / this.policy.seconds);
    if (window !== this.#window) {
      this.#window = window;
      this.#usages = new Map();
    }
    const key = this.#keyOf(caller);
    const known = this.#usages.get(key);
    if (known !== undefined) return known;
    if (this.#usages.size >= this.#keysMax) {
      this.uncounted++;
      return undefined;
    }
    const usage = { key, told: 0, untold: 0 };
    this.#usages.set(key, usage);
    return usage;
  }

  left(usage: Usage | undefined): number {
    const { requests } = this.policy;
    return usage === undefined ? requests : Math.max(0, requests - usage.told - usage.untold);
  }

  /** Seconds until the next window begins, at least one. */
  resetS(nowS: number): number {
    return Math.max(1, Math.ceil((Math.floor(nowS / this.policy.seconds) + 1) * this.policy.seconds - nowS));
  }

  /** Tells what was counted since the last time, and learns what the others counted of the same keys. */
  async exchange(counts: QuotaCounts): Promise<void> {
    const window = { seconds: this.policy.seconds, number: this.#window };
    const news = [...this.#usages.values()].filter(({ untold }) => untold > 0);
    for (let from = 0; from < news.length; from += BATCH_MAX) {
      const batch = news.slice(from, from + BATCH_MAX);
      const sent: QuotaCount[] = batch.map(({ key, untold }) => ({ key: `${this.name} ${key}`, count: untold }));
      const totals = await counts.add(window, sent);
      for (const [index, usage] of batch.entries()) {
        usage.told = totals[index] ?? usage.told;
        usage.untold -= sent[index]?.count ?? 0;
      }
    }
  }
}

/** The fields of the IETF's draft on rate limits: the quotas, and what is left of them until when. */
function headersOf(limits: readonly Limit[], usages: readonly (Usage | undefined)[], nowS: number) {
  return {
    "ratelimit-policy": limits
      .map(({ name, policy }) => `"${name}";q=${policy.requests};w=${policy.seconds}`)
      .join(", "),
    ratelimit: limits
      .map((limit, index) => `"${limit.name}";r=${limit.left(usages[index])};t=${limit.resetS(nowS)}`)
      .join(", "),
  };
}

function exceeded(limit: Limit, headers: Readonly<Record<string, string>>, nowS: number): Problem {
  const { requests, seconds } = limit.policy;
  const whose = limit.name === "caller" ? "This caller" : "This tenant";
  const detail = `${whose} has used its quota of ${requests} requests in ${seconds} seconds.`;
  return new Problem("too_many_requests", detail, {
    headers: { ...headers, "retry-after": String(limit.resetS(nowS)) },
  });
}
