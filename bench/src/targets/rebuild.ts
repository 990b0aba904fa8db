import { join } from "node:path";
import { startChild } from "../children.ts";
import { type Figure, figure } from "../figure.ts";
import type { RebuildReady, RebuildRunOptions } from "../servers/rebuild.ts";

/**
 * How fast the read models are rebuilt from a folder's log (P5), in each store that this machine has: over this many
 * events, after those `before` them.
 */
export async function measureRebuild(folder: string, before: number, events: number): Promise<Figure[]> {
  const log = join(folder, "events.sqlite");
  const stores: readonly { readonly name: string; readonly store: RebuildRunOptions["store"] }[] = [
    { name: "SQLite", store: { file: join(folder, "rebuilt.sqlite") } },
    { name: "MariaDB", store: "mariadb" },
  ];
  const figures: Figure[] = [];
  for (const { name, store } of stores) {
    const options: RebuildRunOptions = { log, store, before, events };
    const child = await startChild<RebuildReady>("servers/rebuild.ts", options);
    const { ready } = child;
    await child.stop();
    if ("absent" in ready) {
      process.stderr.write(`left out: read models in ${name}: ${ready.absent}\n`);
      continue;
    }
    const note = `${ready.events.toLocaleString("en")} events in ${ready.seconds.toFixed(1)} s`;
    figures.push(
      figure("P5", `read models rebuilt in ${name}, one shard`, {
        ...{ value: ready.events / ready.seconds, unit: "events/s", atLeast: 50_000, note },
      }),
    );
  }
  return figures;
}
