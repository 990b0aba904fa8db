import { monitorEventLoopDelay } from "node:perf_hooks";
import { isMainThread } from "node:worker_threads";

/*
 * Loaded before the ledger in an abused process: each second, reports the longest pause of the serving thread to its
 * parent. The channel to the parent keeps nothing alive.
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
