import type { Logger } from "pino";

/** What a service has opened, to be closed in reverse order. */
export type Closers = { push(close: () => Promise<void>): void; close(): Promise<void> };

export function makeClosers(): Closers {
  const closers: (() => Promise<void>)[] = [];
  return {
    push: (close) => void closers.push(close),
    async close() {
      for (let next = closers.pop(); next; next = closers.pop()) await next();
    },
  };
}

/** Where signals come from and how the process ends; tests put their own in place of `process`. */
export type ProcessControls = {
  on(signal: "SIGTERM" | "SIGINT", listener: () => void): unknown;
  off(signal: "SIGTERM" | "SIGINT", listener: () => void): unknown;
  exit(code: number): void;
};

export type StopOptions = {
  /** Ends the service in order: accept no more, answer what was accepted, close. */
  readonly stop: () => Promise<void>;
  /** How long `stop` may take before the process ends all the same, in milliseconds. */
  readonly boundMs: number;
  readonly logger: Logger;
  readonly controls?: ProcessControls;
  readonly nowMs?: () => number;
};

/**
 * Signals this close together are one wish: a shell sends Ctrl-C to the whole process group, and npm, being in it,
 * sends it on once more.
 */
const ONE_WISH_MS = 500;

const EXIT_STOPPED = 0;
const EXIT_STOP_FAILED = 1;
/** The code that a shell reports for a process ended by Ctrl-C: 128 + SIGINT. */
const EXIT_INTERRUPTED = 130;

/**
 * Ties a service's end to SIGTERM and SIGINT: the first begins an orderly stop and ends the process with 0, or with 1
 * when the stop failed or outlived its bound; a second, later one ends it at once with 130. Answers with a function
 * that ends the tie (for a service that stopped by itself).
 */
export function stopOnSignals(options: StopOptions): () => void {
  const { stop, boundMs, logger, controls = process, nowMs = () => performance.now() } = options;
  let stoppingSinceMs: number | undefined;
  const listener = () => {
    if (stoppingSinceMs !== undefined) {
      if (nowMs() - stoppingSinceMs > ONE_WISH_MS) controls.exit(EXIT_INTERRUPTED);
      return;
    }
    stoppingSinceMs = nowMs();
    const bound = setTimeout(() => {
      logger.error({ boundMs }, "the stop took too long");
      controls.exit(EXIT_STOP_FAILED);
    }, boundMs);
    stop()
      .then(
        () => EXIT_STOPPED,
        (error: unknown) => {
          logger.error({ err: error }, "the stop failed");
          return EXIT_STOP_FAILED;
        },
      )
      .then((code) => {
        clearTimeout(bound);
        controls.exit(code);
      });
  };
  controls.on("SIGTERM", listener);
  controls.on("SIGINT", listener);
  return () => {
    controls.off("SIGTERM", listener);
    controls.off("SIGINT", listener);
  };
}

const PARENT_CHECK_MS = 500;

/**
 * Sends this process SIGTERM once its parent has gone. For a process that npm started: npm hands a signal to its shell,
 * and the shell dies of it without telling its child.
 */
export function stopWithParent(): () => void {
  const parent = process.ppid;
  const check = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(check);
    process.kill(process.pid, "SIGTERM");
  }, PARENT_CHECK_MS);
  check.unref();
  return () => clearInterval(check);
}
