import { openSqliteLog } from "ledger-core/event-log";
import { createLogger } from "ledger-core/process";
import { runProjection } from "../consumer/consumer.ts";
import { storeFiles } from "../projections/list.ts";

/*
 * A projector in its own process, to be killed: projects the log in a folder into stores beside it, in small batches,
 * and prints a line after each; ends when all projections are live. After `linesMax` lines it waits to be killed,
 * however late the kill may be.
 */

const [folder, batch, linesMax] = process.argv.slice(2);
const log = await openSqliteLog({ file: `${folder}/events.sqlite` });
const files = await Promise.all(storeFiles.map((file) => file.open(`${folder}/${file.name}.sqlite`)));
const projections = files.flatMap((file) => file.projections);
const abort = new AbortController();
let live = 0;
let lines = 0;
const options = {
  log,
  shard: 0,
  signal: abort.signal,
  logger: createLogger({ level: "warn", name: "projector" }),
  batchMax: Number(batch),
  onProgress: (projection: string, _: number, revision: number) => {
    process.stdout.write(`${projection} ${revision}\n`);
    if (++lines === Number(linesMax)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  },
  onStatus: ({ state }: { state: string }) => {
    if (state === "live" && ++live === projections.length) abort.abort();
  },
};
const runs = projections.map((projected) =>
  projected.use((projection, target) => runProjection({ ...options, projection, target })),
);
await Promise.all(runs.map(({ finished }) => finished));
for (const file of files) await file.close();
await log.close();
process.stdout.write(`${runs.map((run) => run.status().state).join()}\n`);
