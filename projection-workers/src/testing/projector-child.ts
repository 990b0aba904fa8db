import { openSqliteLog } from "ledger-core/event-log";
import { createLogger } from "ledger-core/process";
import { projectionNames } from "../projections/list.ts";
import { createBoard } from "../running/board.ts";
import { keepProjections } from "../running/keep-projections.ts";

/*
 * A projector in its own process, to be killed: projects the log in a folder into files beside it, in small batches,
 * and prints a line after each; ends when all projections are at the log's end, and complete. After `linesMax` lines it
 * waits to be killed, however late the kill may be.
 */

const [folder = "", batch, linesMax] = process.argv.slice(2);
const log = await openSqliteLog({ file: `${folder}/events.sqlite` });
const head = await log.head(0);
const board = createBoard(1);
let lines = 0;
const kept = keepProjections({
  ...{ dir: folder, log, shards: [0], tuning: { batchMax: Number(batch) } },
  logger: createLogger({ level: "error", name: "projector" }),
  tell(report) {
    board.take(report);
    if (report.kind === "moved") {
      process.stdout.write(`${report.projection} ${report.revision}\n`);
      if (++lines === Number(linesMax)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    }
    const isDone = (name: string) => board.revision(name, 0) === head && !board.trouble(name, 0);
    if (projectionNames.every(isDone)) queueMicrotask(() => kept.obey({ kind: "stop" }));
  },
});
await kept.finished;
await log.close();
process.stdout.write("complete\n");
