import { isLedgerError, LedgerError } from "../domain/errors.ts";
import type { Micros } from "../domain/time.ts";
import type { Revocation, RevocationCursor, RevocationPage, RevocationStore } from "../ports/revocations.ts";
import type { Runtime } from "../ports/runtime.ts";
import { systemRuntime } from "../process/runtime.ts";
import type { ReadinessCheck } from "./operations.ts";
import { Problem } from "./problems.ts";
import { type RevokedTokens, unauthorized } from "./tokens.ts";
import { UnreadRevocations } from "./unread-revocations.ts";

export type RevocationTuning = {
  /** How often the store is asked for new revocations. 10 to 1,000 ms, default 250. */
  readonly everyMs?: number;
  /** From this age on no token is accepted, until the store answers again. 1,000 to 3,600,000 ms, default 15,000. */
  readonly maxAgeMs?: number;
  /** The most revocations of a tenant; a quarter is left for operators. 4 to 1,000,000, default 10,000. */
  readonly tenantMax?: number;
  /** The most of all tenants; each takes some 300 bytes of memory. 4 to 10,000,000, default 100,000. */
  readonly allMax?: number;
  /**
   * The clocks of two services differ by less: revocations are kept as long after they expired. 0 to 86,400,000 ms,
   * default 300,000.
   */
  readonly skewMs?: number;
  /** How often expired ones are dropped. 1,000 to 3,600,000 ms, default 60,000. */
  readonly dropEveryMs?: number;
};

export type RevocationListOptions = RevocationTuning & {
  readonly store: RevocationStore;
  /** Whether this process may write: then it drops expired revocations, and restores those that the store lost. */
  readonly writes: boolean;
  readonly runtime?: Runtime;
  /** Told once when the store cannot be read, until it can again. */
  readonly onFault?: (fault: LedgerError) => void;
};

/** The revoked tokens and sessions that still matter, in memory, at most `everyMs` and one read behind the store. */
export type RevocationList = RevokedTokens & {
  readonly size: number;
  /** How long ago the store was read completely; infinite before the first time. */
  ageMs(): number;
  /**
   * Keeps a revocation in the store; it is in this list when the promise resolves, in those of other processes within
   * `everyMs`. `operator`: may use the room that is left for operators.
   * @throws LedgerError revocations_unavailable, Problem `too_many_requests` or `overloaded` when there is no room
   */
  revoke(revocation: Revocation, by: { readonly operator: boolean }): Promise<Revocation>;
  readonly readiness: ReadinessCheck;
  /** Reads the store now. @throws LedgerError revocations_unavailable */
  refresh(): Promise<void>;
  /** Stops reading, and closes the store. */
  close(): Promise<void>;
};

const later = { headers: { "retry-after": "60" } };

/** Follows a store of revocations. The first read begins at once; until it ends, no token is accepted. */
export function followRevocations(options: RevocationListOptions): RevocationList {
  const { store, runtime = systemRuntime, everyMs = 250, maxAgeMs = 15_000 } = options;
  const known = new KnownRevocations(options);
  const reader = readRepeatedly({ ...options, runtime, known });
  let version = Number.NaN;

  /** NaN equals nothing, itself included: tokens are then looked at anew, and refused. */
  function settle(): void {
    version = reader.ageMs() < maxAgeMs ? known.changes : Number.NaN;
  }
  async function refresh(): Promise<void> {
    try {
      await reader.read();
    } finally {
      settle();
    }
  }
  function tick(): void {
    settle();
    void refresh().catch(() => undefined);
  }
  const stop = runtime.every(everyMs, tick);
  tick();
  return {
    get version() {
      return version;
    },
    get size() {
      return known.size;
    },
    ageMs: reader.ageMs,
    check(tenant, ids) {
      if (Number.isNaN(version))
        throw new LedgerError("revocations_unavailable", "the list is too old", { retryable: true });
      if (ids.some((id) => known.get(tenant, id))) throw unauthorized("The token was revoked.");
    },
    async revoke(revocation, { operator }) {
      const before = known.get(revocation.tenant, revocation.id);
      if (before !== undefined && before.until >= revocation.until) return before;
      if (before === undefined) known.checkRoom(revocation.tenant, operator);
      const kept = await reader.add(revocation);
      known.learn(kept);
      settle();
      return kept;
    },
    readiness: {
      name: "revocations",
      check() {
        const ready = reader.ageMs() < maxAgeMs;
        if (ready) return { ready, detail: `${known.size} revoked sessions` };
        return { ready, detail: "the revoked sessions cannot be read: no token is accepted until they can" };
      },
    },
    refresh,
    async close() {
      stop();
      await reader.idle();
      await store.close();
    },
  };
}

/** The revocations that may still matter, by tenant and id. */
class KnownRevocations {
  readonly #tenants = new Map<string, Map<string, Revocation>>();
  readonly #tenantMax: number;
  readonly #allMax: number;
  size = 0;
  /** Grows with every change. */
  changes = 0;

  constructor({ tenantMax = 10_000, allMax = 100_000 }: RevocationTuning) {
    this.#tenantMax = tenantMax;
    this.#allMax = allMax;
  }

  get(tenant: string, id: string): Revocation | undefined {
    return this.#tenants.get(tenant)?.get(id);
  }

  all(): readonly Revocation[] {
    return [...this.#tenants.values()].flatMap((ids) => [...ids.values()]);
  }

  learn(revocation: Revocation): void {
    const { tenant, id, until } = revocation;
    const ids = this.#tenants.get(tenant) ?? new Map<string, Revocation>();
    const before = ids.get(id);
    if (before?.until === until) return;
    if (before === undefined) this.size++;
    this.#tenants.set(tenant, ids.set(id, revocation));
    this.changes++;
  }

  dropExpired(before: Micros): void {
    for (const [tenant, ids] of this.#tenants) {
      for (const [id, { until }] of ids) if (until < before && ids.delete(id)) this.size--;
      if (ids.size === 0) this.#tenants.delete(tenant);
    }
  }

  /** @throws Problem when there is no room for one more */
  checkRoom(tenant: string, operator: boolean): void {
    const count = this.#tenants.get(tenant)?.size ?? 0;
    if (count >= (operator ? this.#tenantMax : this.#tenantMax * 0.75))
      throw new Problem("too_many_requests", "This tenant has as many revoked sessions as can be kept for it.", later);
    if (this.size >= this.#allMax)
      throw new Problem("overloaded", "No more revoked sessions can be kept for now.", later);
  }
}

type Reading = RevocationListOptions & { readonly known: KnownRevocations; readonly runtime: Runtime };

/** Reads a store into what is known, one read at a time, from where the last one ended. */
function readRepeatedly({ store, known, writes, runtime, onFault = () => {}, ...options }: Reading) {
  const { skewMs = 300_000, dropEveryMs = 60_000 } = options;
  const unread = new UnreadRevocations();
  let cursor: RevocationCursor | undefined;
  let readAtMs = Number.NEGATIVE_INFINITY;
  let droppedAtMs = Number.NEGATIVE_INFINITY;
  let lost = false;
  let faulty = false;
  let reading: Promise<void> | undefined;

  async function read(): Promise<void> {
    const startedMs = runtime.elapsedMs();
    const expiredBefore = runtime.now() - skewMs * 1000;
    const expected = unread.acknowledged();
    for (let more = true; more; ) {
      const page: RevocationPage = await store.read(cursor);
      lost ||= cursor !== undefined && cursor.generation !== page.cursor.generation;
      for (const revocation of page.revocations) {
        unread.found(revocation);
        if (revocation.until >= expiredBefore) known.learn(revocation);
      }
      ({ cursor, more } = page);
    }
    // A store that failed over without its last writes may show it by nothing else.
    lost = unread.missing(expected) || lost;
    readAtMs = startedMs;
    if (startedMs - droppedAtMs >= dropEveryMs) {
      droppedAtMs = startedMs;
      known.dropExpired(expiredBefore);
      // One that came back without its last writes may hold fewer, and nothing else tells.
      if (writes) lost = (await store.dropExpired(expiredBefore)) < known.size || lost;
    }
    if (lost && writes) for (const revocation of known.all()) await store.add(revocation);
    lost = false;
  }

  async function readOnce(): Promise<void> {
    try {
      await read();
      faulty = false;
    } catch (error) {
      const fault = isLedgerError(error) ? error : unreadable(error);
      if (!faulty) onFault(fault);
      faulty = true;
      throw fault;
    } finally {
      reading = undefined;
    }
  }

  return {
    ageMs: () => runtime.elapsedMs() - readAtMs,
    read(): Promise<void> {
      reading ??= readOnce();
      return reading;
    },
    add: (revocation: Revocation) => unread.during(revocation, () => store.add(revocation)),
    /** Waits for the read that is under way. */
    idle: async () => reading?.catch(() => undefined),
  };
}

function unreadable(cause: unknown): LedgerError {
  return new LedgerError("revocations_unavailable", String(cause), { retryable: true, cause });
}
