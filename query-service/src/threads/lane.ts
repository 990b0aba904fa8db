import type { Worker } from "node:worker_threads";
import { Problem } from "ledger-core/http/problems";
import type { Logger } from "ledger-core/process";
import { callerKey, type Query, type QueryOutcome } from "../query.ts";
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

export type LaneOptions = {
  readonly name: string;
  readonly start: () => Worker;
  readonly logger: Logger;
  readonly limits: LaneLimits;
  /** Called with every operating error; some report a damaged file. */
  readonly onFault: (error: unknown) => void;
  readonly onReplaced: () => void;
};

export type QueryLane = {
  run(query: Query): Promise<QueryOutcome>;
  reopen(): void;
  close(): Promise<void>;
};

type Job = { readonly call: number; readonly query: Query; readonly done: PromiseWithResolvers<QueryOutcome> };

const later = { headers: { "retry-after": "1" } };

/**
 * One query thread and its queue. node:sqlite cannot be interrupted: when a query takes too long, its thread is told to
 * end and is replaced at once, and the queries behind it are sent to the new thread.
 */
export function openLane(options: LaneOptions): QueryLane {
  const { name, start, logger, limits, onFault, onReplaced } = options;
  const queue = createFairQueue<Job>();
  let flying: Job[] = [];
  let thread: Worker | undefined;
  let ready = false;
  let watch: NodeJS.Timeout | undefined;
  let restart: NodeJS.Timeout | undefined;
  let lingering = 0;
  let calls = 0;
  let closed = false;

  function launch(): void {
    restart = undefined;
    if (closed || thread || lingering > limits.lingeringMax) return;
    const worker = start();
    thread = worker;
    ready = false;
    worker.on("message", (report: QueryReport) => {
      if (worker === thread) receive(report);
    });
    worker.on("error", (error) => {
      logger.error({ lane: name, err: error }, "a query thread failed");
    });
    worker.on("exit", () => {
      if (worker === thread) lose("The query's thread ended.");
    });
  }

  function receive(report: QueryReport): void {
    if (report.kind === "ready") {
      ready = true;
      dispatch();
      return;
    }
    const job = flying.shift();
    if (job?.call !== report.call) throw new Error(`query ${report.call} is answered before ${job?.call}`);
    watchHead();
    if (report.kind === "outcome") job.done.resolve(report.outcome);
    else {
      const error = fromQueryFault(report.fault);
      onFault(error);
      job.done.reject(error);
    }
    dispatch();
  }

  function dispatch(): void {
    while (ready && flying.length < limits.ahead && queue.size > 0) {
      const job = queue.next();
      if (job) send(job);
    }
  }

  function send(job: Job): void {
    flying.push(job);
    post({ kind: "query", call: job.call, query: job.query });
    if (flying.length === 1) watchHead();
  }

  function post(order: QueryOrder): void {
    thread?.postMessage(order);
  }

  /** Watches the query that the thread works on: the first of those sent. */
  function watchHead(): void {
    clearTimeout(watch);
    const [head] = flying;
    if (!head) return;
    watch = setTimeout(() => {
      // This thread may itself have been blocked: read what has arrived meanwhile first.
      setImmediate(() => {
        if (flying[0] === head) lose("The query took longer than it may.");
      });
    }, limits.queryMs);
    watch.unref();
  }

  /** Abandons the thread and its current query; queries behind it go to the next thread. */
  function lose(why: string): void {
    const worker = thread;
    const [head, ...others] = flying;
    thread = undefined;
    flying = [];
    clearTimeout(watch);
    if (closed) return;
    logger.error({ lane: name, why, route: head?.query.route }, "a query thread is replaced");
    onReplaced();
    head?.done.reject(away(why));
    for (const job of others) enqueue(job);
    if (worker) discard(worker);
    if (ready) launch();
    else restart ??= setTimeout(launch, limits.restartMs);
    if (!thread) drain();
  }

  function discard(worker: Worker): void {
    lingering++;
    void worker.terminate().finally(() => {
      lingering--;
      launch();
    });
  }

  /** No thread is available: fail the waiting queries instead of letting them wait for one. */
  function drain(): void {
    for (let job = queue.next(); job; job = queue.next()) job.done.reject(away("Queries are not answered now."));
  }

  function enqueue(job: Job): void {
    const caller = callerKey(job.query.caller);
    if (queue.of(caller) >= limits.queuedPerCaller) {
      job.done.reject(new Problem("too_many_requests", "Too many of the caller's queries are waiting.", later));
      return;
    }
    queue.add(caller, job);
    if (queue.size > limits.queuedMax) queue.dropLongest()?.done.reject(crowded());
  }

  launch();
  return {
    run(query) {
      if (!thread) return Promise.reject(away("Queries are not answered now."));
      const job = { call: calls++, query, done: Promise.withResolvers<QueryOutcome>() };
      if (ready && queue.size === 0 && flying.length < limits.ahead) send(job);
      else enqueue(job);
      return job.done.promise;
    },
    reopen: () => post({ kind: "reopen" }),
    async close() {
      closed = true;
      clearTimeout(restart);
      clearTimeout(watch);
      const worker = thread;
      thread = undefined;
      for (const job of flying) job.done.reject(away("The service is stopping."));
      drain();
      if (worker) await ended(worker, limits.queryMs);
    },
  };
}

/** Lets a thread finish, and terminates one that is still running a statement after the bound. */
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
