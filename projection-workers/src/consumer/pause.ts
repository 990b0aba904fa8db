import type { Runtime } from "ledger-core";

/** A pause that the signal ends early. */
export function pause(runtime: Runtime, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      stop();
      signal.removeEventListener("abort", end);
      resolve();
    };
    const stop = runtime.every(ms, end);
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}
