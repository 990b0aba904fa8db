import { createInterface } from "node:readline";
import { openWriter, registerCommands, type WriterTuning } from "command-service";
import { openSqliteLog } from "ledger-core/event-log";
import { createEdge } from "ledger-core/http";
import { authenticator } from "ledger-core/http/tokens";
import { createLogger } from "ledger-core/process";
import { openDataFolder } from "../../src/data-folder.ts";
import { startStandalone } from "../../src/main.ts";

/*
 * A ledger in its own process. It starts and stops on commands in lines of its input, so that a thousand rounds need no
 * thousand processes; caches and thresholds are minimal, so that decisions read from disk.
 * start whole: the whole ledger, like `ledger start`. start commands: only the command-service, as in production, which
 * starts in a tenth of the time; only it has the decision state.
 */
export type AttackOrder = "start whole" | "start commands" | "stop";
export type ServerReport =
  | { readonly kind: "started"; readonly url: string }
  | { readonly kind: "stopped" }
  | { readonly kind: "failed"; readonly detail: string };

const [dataDir = ""] = process.argv.slice(2);
const logger = createLogger({ level: "warn", name: "attacked" });
const tuning: WriterTuning = {
  ...{ accountsCached: 1, namesCached: 2, paymentsCached: 2, paymentPagesCached: 2, flushAt: 30 },
  layout: { accountsPerPage: 20, revisionsPerPage: 64, pagesPerChunk: 8, valuesPerPage: 4 },
  keys: { filterBytes: 0, entriesPerBlock: 16, partKeys: 500 },
};
let stop = async () => {};
let port = 0;

const tell = (told: ServerReport) => process.stdout.write(`${JSON.stringify(told)}\n`);

for await (const line of createInterface({ input: process.stdin })) {
  const order = line as AttackOrder;
  try {
    if (order === "stop") {
      await stop();
      stop = async () => {};
      tell({ kind: "stopped" });
    } else {
      const url = await (order === "start whole" ? startWhole() : startCommands());
      port = Number(new URL(url).port);
      tell({ kind: "started", url });
    }
  } catch (error) {
    tell({ kind: "failed", detail: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}
await stop();

function onProgress(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function startWhole(): Promise<string> {
  const server = await startStandalone({ dataDir, port, logger, onProgress, writer: tuning });
  stop = server.stop;
  return server.url;
}

async function startCommands(): Promise<string> {
  const folder = await openDataFolder(dataDir);
  const log = await openSqliteLog({ file: folder.events });
  try {
    const writer = await openWriter({
      ...tuning,
      log,
      shard: 0,
      stateFile: folder.state,
      onReplay: ({ detail }) => onProgress(`decision state: ${detail}`),
      onDiscarded: (discarded) => logger.warn(discarded, "the decision state is rebuilt from the log"),
      onUnwritten: (why) => logger.warn({ why }, "the decision state could not be written"),
      onReadiness: (readiness) => logger.warn(readiness, "the writer's readiness changed"),
    });
    const readiness = [{ name: "writer", check: () => writer.readiness() }];
    const app = await createEdge({ logger, authenticate: authenticator([folder.signingKeys.publicKey]), readiness });
    registerCommands(app, { writer });
    stop = async () => {
      await app.close();
      await writer.stop();
      await log.close();
    };
    return await app.listen({ host: "127.0.0.1", port });
  } catch (error) {
    await log.close();
    throw error;
  }
}
