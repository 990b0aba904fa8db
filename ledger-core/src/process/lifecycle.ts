import type { Logger } from "pino";

/** Functions that close what a service has opened, called in reverse order. */
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

/** The source of signals and the way to exit; tests replace `process`. */
export type ProcessControls = {
  on(signal: "SIGTERM" | "SIGINT", listener: () => void): unknown;
  off(signal: "SIGTERM" | "SIGINT", listener: () => void): unknown;
  exit(code: number): void;
};

export type StopOptions = {
  /** Stops the service in order: accept nothing more, answer what was accepted, close. */
  readonly stop: () => Promise<void>;
  /** Time limit of `stop`, after which the process exits anyway, in ms. */
  readonly boundMs: number;
  readonly logger: Logger;
  readonly controls?: ProcessControls;
  readonly nowMs?: () => number;
};

/**
 * Signals this close together count as one: a shell sends Ctrl-C to the whole process group, and npm, part of that
 * group, forwards it again.
 */
const ONE_WISH_MS = 500;

const EXIT_STOPPED = 0;
const EXIT_STOP_FAILED = 1;
/** The exit code of a process ended by Ctrl-C: 128 + SIGINT. */
const EXIT_INTERRUPTED = 130;

/**
 * Stops a service on SIGTERM or SIGINT. The first signal starts an orderly stop and exits with 0, or with 1 if the stop
 * failed or exceeded its bound; a later second signal exits at once with 130. Returns a function that removes the
 * handlers, for a service that stopped on its own.
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
 * Sends this process SIGTERM once its parent is gone. For processes started by npm: npm signals its shell, which dies
 * without forwarding the signal.
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

/** Sends this process SIGTERM once the process that started it with a channel (`ledger start all`) is gone. */
export function stopWithChannel(): void {
  process.channel?.unref();
  process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
}
