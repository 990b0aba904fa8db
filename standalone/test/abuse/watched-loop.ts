import { monitorEventLoopDelay } from "node:perf_hooks";
import { isMainThread } from "node:worker_threads";

/*
 * Loaded before the ledger in an abused process: tells its parent each second for how long at most the thread that
 * answers answered nobody. The channel to the parent keeps nothing alive.
 */
if (isMainThread && process.send) {
  const loop = monitorEventLoopDelay({ resolution: 5 });
  loop.enable();
  const tell = () => {
    process.send?.({ loopMs: loop.max / 1e6 });
    loop.reset();
  };
  setInterval(tell, 1000).unref();
  process.channel?.unref();
}
