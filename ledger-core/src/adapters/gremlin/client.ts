import { systemRuntime } from "../../process/runtime.ts";
import type { GremlinValue } from "./answers.ts";
import { type GremlinConnection, type GremlinTuning, withDefaults } from "./connection.ts";
import { CurrentDriver, type GremlinBindings, type GremlinCounts } from "./driver.ts";
import { faultOf, graphError } from "./faults.ts";

export type GremlinClient = {
  /**
   * Evaluates a text. Texts are constant, since a server compiles each text that it has not seen; what varies is bound.
   * A throttled request is repeated, so a text must have the same effect when it is executed twice.
   * @throws store_unavailable when it may or may not have been executed
   * @throws incompatible when the server refuses it for good
   */
  submit(text: string, bindings: GremlinBindings, options?: SubmitOptions): Promise<readonly GremlinValue[]>;
  /** Like `submit`, for a text that adds an element; "exists" if there is one with its id. */
  add(text: string, bindings: GremlinBindings): Promise<readonly GremlinValue[] | "exists">;
  readonly counts: Readonly<GremlinCounts>;
  close(): Promise<void>;
};

type SubmitOptions = {
  /** The end of the request, by the monotonic clock; default: after `requestMs`, and `throttledMs` if throttled. */
  readonly deadlineMs?: number;
};

export function openGremlin(connection: GremlinConnection, tuning?: GremlinTuning): GremlinClient {
  const { openMs, requestMs, parallel, throttledMs, pauseMs } = withDefaults(tuning);
  const counts: GremlinCounts = { requests: 0, throttled: 0, connected: 0 };
  const driver = new CurrentDriver(connection, openMs, counts);
  const turns = takeTurns(parallel);

  async function submit(text: string, bindings: GremlinBindings, { deadlineMs }: SubmitOptions = {}) {
    const startMs = systemRuntime.elapsedMs();
    const giveUpMs = deadlineMs ?? startMs + throttledMs;
    while (true) {
      const leave = await turns.enter();
      const endMs = deadlineMs ?? systemRuntime.elapsedMs() + requestMs;
      let afterMs: number;
      try {
        return await driver.submit(text, bindings, endMs);
      } catch (error) {
        const fault = faultOf(error);
        if (fault.kind !== "later") throw error;
        afterMs = fault.afterMs ?? pauseMs;
        if (systemRuntime.elapsedMs() + afterMs >= giveUpMs) throw error;
        counts.throttled++;
      } finally {
        leave();
      }
      await systemRuntime.delay(afterMs);
    }
  }

  return {
    submit: (...request) => submit(...request).catch((error: unknown) => Promise.reject(graphError(error))),
    add: (...request) =>
      submit(...request).catch((error: unknown) => {
        if (faultOf(error).kind === "exists") return "exists";
        throw graphError(error);
      }),
    counts,
    close: () => driver.close(),
  };
}

/** At most `most` at once, in the order in which they came. */
function takeTurns(most: number) {
  const waiting: (() => void)[] = [];
  let inside = 0;
  const leave = () => {
    const next = waiting.shift();
    if (next) next();
    else inside--;
  };
  return {
    async enter(): Promise<() => void> {
      if (inside < most) inside++;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      return leave;
    },
  };
}
