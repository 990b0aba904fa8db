import type { Worker } from "node:worker_threads";
import { callerKey } from "ledger-core";
import { Problem } from "ledger-core/http/problems";
import type { Logger } from "ledger-core/process";
import type { Query, QueryOutcome } from "../query.ts";
import { createFairQueue } from "./fair-queue.ts";
import { fromQueryFault, type QueryOrder, type QueryReport } from "./messages.ts";

/** Bounds of a lane's thread and queue. */
export type LaneLimits = {
  /** A query that takes longer is abandoned and its thread replaced, in ms. 10 to 60,000. Default 5000. */
  readonly queryMs: number;
  /** Queries sent to the thread ahead of answers. 1 to 256. Default 8. */
  readonly ahead: number;
  /** Queries of one caller waiting in the lane; one more is answered 429. 1 to 10,000. Default 512. */
  readonly queuedPerCaller: number;
  /**
   * Queries of all callers waiting in the lane; beyond it, the newest of the caller with the most is answered 503.
   * Default 8192.
   */
  readonly queuedMax: number;
  /** Abandoned threads still inside SQLite; with one more the lane answers 503 until one ends. 1 to 16. Default 2. */
  readonly lingeringMax: number;
  /** The pause before a thread that did not start is started again, in ms. 1 to 60,000. Default 1000. */
  readonly restartMs: number;
};

export const laneLimits: LaneLimits = {
  queryMs: 5000,
  ahead: 8,
  queuedPerCaller: 512,
  queuedMax: 8192,
  lingeringMax: 2,
  restartMs: 1000,
};

type LaneOptions = {
  readonly name: string;
  readonly start: () => Worker;
  readonly logger: Logger;
  readonly limits: LaneLimits;
  /** Called with every operating error; some report a damaged file. */
  readonly onFault: (error: unknown) => void;
  readonly onReplaced: () => void;
};

type Job = { readonly call: number; readonly query: Query; readonly done: PromiseWithResolvers<QueryOutcome> };

const later = { headers: { "retry-after": "1" } };

/**
 * One query thread and its queue. node:sqlite cannot be interrupted: when a query takes too long, its thread is told to
 * end and replaced at once, and the queries behind it go to the new thread.
 */
export class QueryLane {
  readonly #options: LaneOptions;
  readonly #queue = createFairQueue<Job>();
  /** Sent to the thread and not answered, in order. */
  #flying: Job[] = [];
  #thread: Worker | undefined;
  #ready = false;
  #watch: NodeJS.Timeout | undefined;
  #restart: NodeJS.Timeout | undefined;
  /** Abandoned threads that have not ended. */
  #lingering = 0;
  #calls = 0;
  #closed = false;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#launch();
  }

  run(query: Query): Promise<QueryOutcome> {
    if (!this.#thread) return Promise.reject(away("Queries are not answered now."));
    const job = { call: this.#calls++, query, done: Promise.withResolvers<QueryOutcome>() };
    const idle = this.#ready && this.#queue.size === 0 && this.#flying.length < this.#options.limits.ahead;
    if (idle) this.#send(job);
    else this.#enqueue(job);
    return job.done.promise;
  }

  reopen(): void {
    this.#post({ kind: "reopen" });
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#restart);
    clearTimeout(this.#watch);
    const worker = this.#thread;
    this.#thread = undefined;
    for (const job of this.#flying) job.done.reject(away("The service is stopping."));
    this.#drain();
    if (worker) await ended(worker, this.#options.limits.queryMs);
  }

  #launch(): void {
    const { name, start, logger, limits } = this.#options;
    this.#restart = undefined;
    if (this.#closed || this.#thread || this.#lingering > limits.lingeringMax) return;
    const worker = start();
    this.#thread = worker;
    this.#ready = false;
    worker.on("message", (report: QueryReport) => {
      if (worker === this.#thread) this.#receive(report);
    });
    worker.on("error", (error) => {
      logger.error({ lane: name, err: error }, "a query thread failed");
    });
    worker.on("exit", () => {
      if (worker === this.#thread) this.#lose("The query's thread ended.");
    });
  }

  #receive(report: QueryReport): void {
    if (report.kind === "ready") this.#ready = true;
    else this.#settle(report);
    while (this.#ready && this.#flying.length < this.#options.limits.ahead && this.#queue.size > 0) {
      const job = this.#queue.next();
      if (job) this.#send(job);
    }
  }

  #settle(report: Exclude<QueryReport, { kind: "ready" }>): void {
    const job = this.#flying.shift();
    if (job?.call !== report.call) throw new Error(`query ${report.call} is answered before ${job?.call}`);
    this.#watchHead();
    if (report.kind === "outcome") {
      job.done.resolve(report.outcome);
      return;
    }
    const error = fromQueryFault(report.fault);
    this.#options.onFault(error);
    job.done.reject(error);
  }

  #send(job: Job): void {
    this.#flying.push(job);
    this.#post({ kind: "query", call: job.call, query: job.query });
    if (this.#flying.length === 1) this.#watchHead();
  }

  #post(order: QueryOrder): void {
    this.#thread?.postMessage(order);
  }

  /** Watches the thread's current query, the first of those sent. */
  #watchHead(): void {
    clearTimeout(this.#watch);
    const [head] = this.#flying;
    if (!head) return;
    this.#watch = setTimeout(() => {
      // This thread may itself have been blocked: first read the messages that arrived meanwhile.
      setImmediate(() => {
        if (this.#flying[0] === head) this.#lose("The query took longer than it may.");
      });
    }, this.#options.limits.queryMs);
    this.#watch.unref();
  }

  /** Abandons the thread and its current query; queries behind it go to the next thread. */
  #lose(why: string): void {
    const { name, logger, limits, onReplaced } = this.#options;
    const worker = this.#thread;
    const [head, ...others] = this.#flying;
    this.#thread = undefined;
    this.#flying = [];
    clearTimeout(this.#watch);
    if (this.#closed) return;
    logger.error({ lane: name, why, route: head?.query.route }, "a query thread is replaced");
    onReplaced();
    head?.done.reject(away(why));
    for (const job of others) this.#enqueue(job);
    if (worker) this.#discard(worker);
    if (this.#ready) this.#launch();
    else this.#restart ??= setTimeout(() => this.#launch(), limits.restartMs);
    if (!this.#thread) this.#drain();
  }

  #discard(worker: Worker): void {
    this.#lingering++;
    void worker.terminate().finally(() => {
      this.#lingering--;
      this.#launch();
    });
  }

  /** No thread is available: fail the waiting queries instead of letting them wait for one. */
  #drain(): void {
    for (let job = this.#queue.next(); job; job = this.#queue.next())
      job.done.reject(away("Queries are not answered now."));
  }

  #enqueue(job: Job): void {
    const { queuedPerCaller, queuedMax } = this.#options.limits;
    const caller = callerKey(job.query.caller);
    if (this.#queue.of(caller) >= queuedPerCaller) {
      job.done.reject(new Problem("too_many_requests", "Too many of the caller's queries are waiting.", later));
      return;
    }
    this.#queue.add(caller, job);
    if (this.#queue.size > queuedMax) this.#queue.dropLongest()?.done.reject(crowded());
  }
}

/** Lets a thread finish, and terminates it if it is still running a statement after the bound. */
async function ended(worker: Worker, waitMs: number): Promise<void> {
  const exit = new Promise((resolve) => worker.once("exit", resolve));
  const close: QueryOrder = { kind: "close" };
  worker.postMessage(close);
  const timer = setTimeout(() => void worker.terminate(), waitMs);
  await exit;
  clearTimeout(timer);
}

function away(why: string): Problem {
  return new Problem("store_unavailable", why, later);
}

function crowded(): Problem {
  return new Problem("overloaded", "Too many queries are waiting.", later);
}
