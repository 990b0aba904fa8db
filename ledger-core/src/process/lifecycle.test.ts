import { EventEmitter } from "node:events";
import { describe, expect, test } from "vitest";
import { stopOnSignals } from "./lifecycle.ts";
import { createLogger } from "./log.ts";

const logger = createLogger({ level: "silent", name: "test" });

function controls() {
  const emitter = new EventEmitter();
  const exit = Promise.withResolvers<number>();
  const codes: number[] = [];
  return {
    emitter,
    codes,
    first: exit.promise,
    exit(code: number) {
      codes.push(code);
      exit.resolve(code);
    },
    on: (signal: string, listener: () => void) => emitter.on(signal, listener),
    off: (signal: string, listener: () => void) => emitter.off(signal, listener),
  };
}

describe.each(["SIGTERM", "SIGINT"])("%s", (signal) => {
  test("ends the process with 0 after the orderly stop, and not before", async () => {
    const fake = controls();
    const stopped = Promise.withResolvers<void>();
    stopOnSignals({ stop: () => stopped.promise, boundMs: 60_000, logger, controls: fake });
    fake.emitter.emit(signal);
    expect(fake.codes).toEqual([]);
    stopped.resolve();
    expect(await fake.first).toBe(0);
  });

  test("a second signal ends the process at once with 130, unless it came with the first", () => {
    const fake = controls();
    let now = 0;
    let stops = 0;
    const stop = () => {
      stops++;
      return new Promise<void>(() => {});
    };
    stopOnSignals({ stop, boundMs: 60_000, logger, controls: fake, nowMs: () => now });
    fake.emitter.emit(signal);
    now += 20;
    fake.emitter.emit(signal);
    expect(fake.codes).toEqual([]);
    now += 1000;
    fake.emitter.emit(signal);
    expect(fake.codes).toEqual([130]);
    expect(stops).toBe(1);
  });
});

test("a stop that fails or exceeds its bound exits with 1", async () => {
  const failing = controls();
  stopOnSignals({ stop: () => Promise.reject(new Error("disk")), boundMs: 60_000, logger, controls: failing });
  failing.emitter.emit("SIGTERM");
  expect(await failing.first).toBe(1);

  const hanging = controls();
  stopOnSignals({ stop: () => new Promise(() => {}), boundMs: 5, logger, controls: hanging });
  hanging.emitter.emit("SIGTERM");
  expect(await hanging.first).toBe(1);
});

test("signals do nothing after the handlers are removed", () => {
  const fake = controls();
  const untie = stopOnSignals({ stop: () => Promise.resolve(), boundMs: 5, logger, controls: fake });
  untie();
  expect(fake.emitter.listenerCount("SIGTERM") + fake.emitter.listenerCount("SIGINT")).toBe(0);
});
