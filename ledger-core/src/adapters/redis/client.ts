import { setTimeout as delay } from "node:timers/promises";
import { isLedgerError, LedgerError } from "../../domain/errors.ts";
import { type RedisConnection, type RedisTuning, redisTuning } from "./connection.ts";
import { openDriver, type RedisDriver, renewLogin } from "./driver.ts";
import { openRedisLogin, type RedisLogin } from "./login.ts";
import type { RedisScript } from "./script.ts";

export type RedisArgument = string | number | Buffer;

/** A client of Redis that connects by itself, and connects again after every fault. */
export type RedisClient = {
  /**
   * Runs a script. While there is no connection it fails at once.
   * @throws LedgerError store_unavailable: it did not run; or, if its answer was lost, it may have run or may run yet
   */
  run(script: RedisScript, keys: readonly string[], args: readonly RedisArgument[]): Promise<unknown>;
  close(): Promise<void>;
};

/** @param name says in errors which Redis this is, such as `session views` */
export function connectRedis(
  name: string,
  connection: RedisConnection,
  options: Partial<RedisTuning> = {},
): RedisClient {
  const tuning = { ...redisTuning, ...options };
  const login = connection.credentials && openRedisLogin(connection.credentials, tuning.entra);
  const closing = new AbortController();
  let opening: Promise<RedisDriver> | undefined;
  let underWay = 0;

  const unavailable = (cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    return new LedgerError("store_unavailable", `${name}: ${why}`, { retryable: true, cause });
  };

  async function open(): Promise<RedisDriver> {
    const opened = openDriver({ connection, login, tuning });
    try {
      const driver = await within(opened, tuning.connectMs + tuning.commandMs);
      if (login) void keepLogin(driver, login, tuning, closing.signal);
      return driver;
    } catch (error) {
      // One that opens after all is not used.
      opened.then(
        (driver) => driver.disconnect(),
        () => undefined,
      );
      // Until then the failed attempt answers for the others.
      setTimeout(() => (opening = undefined), tuning.retryMs.first).unref();
      throw error;
    }
  }

  async function attempt({ text, sha }: RedisScript, keys: readonly string[], args: readonly RedisArgument[]) {
    opening ??= open();
    const driver = await opening;
    try {
      return await driver.evalsha(sha, keys.length, ...keys, ...args);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
      return await driver.eval(text, keys.length, ...keys, ...args);
    }
  }

  return {
    async run(script, keys, args) {
      if (closing.signal.aborted) throw unavailable("the connection is closed");
      if (underWay >= tuning.underWayMax) throw unavailable(`${underWay} scripts are under way`);
      underWay++;
      try {
        return await within(attempt(script, keys, args), tuning.connectMs + 2 * tuning.commandMs);
      } catch (error) {
        throw isLedgerError(error) ? error : unavailable(error);
      } finally {
        underWay--;
      }
    },
    async close() {
      closing.abort();
      (await opening?.catch(() => undefined))?.disconnect();
    },
  };
}

/** Logs in with the next token before the present one expires. */
async function keepLogin(
  driver: RedisDriver,
  login: RedisLogin,
  { renewBeforeMs, renewEveryMs }: RedisTuning,
  signal: AbortSignal,
): Promise<void> {
  const { current, reveal, expiresAtMs } = login;
  while (!signal.aborted) {
    const token = reveal();
    const expiry = expiresAtMs();
    if (expiry === undefined) return;
    const pauseMs = Math.max(expiry - Date.now() - renewBeforeMs, renewEveryMs);
    await delay(Math.min(pauseMs, LONGEST_TIMER_MS), undefined, { signal, ref: false }).catch(() => undefined);
    // If this fails, the server ends the connection with the old token, and the next login takes the new one.
    if (signal.aborted) return;
    await current().catch(() => undefined);
    if (reveal() !== token) await renewLogin(driver, login).catch(() => undefined);
  }
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;

async function within<Result>(work: Promise<Result>, ms: number): Promise<Result> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no answer within ${ms} ms`)), ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
