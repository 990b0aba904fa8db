import { openWriter, registerCommands } from "command-service";
import { openLogThread } from "ledger-core/event-log";
import { authenticator, createEdge } from "ledger-core/http";
import { integer, logLevels, oneOf, readSettings, requiredText, runService } from "ledger-core/process";
import { openDataFolder } from "../src/data-folder.ts";

/** The write side alone, as a process of its own on a log that it shares. */
await runService({
  name: "write-service",
  read: () =>
    readSettings({
      LEDGER_DATA: requiredText(),
      LEDGER_PORT: integer({ min: 0, max: 65_535, otherwise: 0 }),
      LEDGER_LOG_LEVEL: oneOf(logLevels, "warn"),
    }),
  async start({ LEDGER_DATA, LEDGER_PORT }, logger) {
    const folder = await openDataFolder(LEDGER_DATA);
    const thread = await openLogThread({ file: folder.events, shared: true });
    const writer = await openWriter({ log: thread.log, shard: 0, stateFile: folder.state });
    const authenticate = authenticator([folder.signingKeys.publicKey]);
    const readiness = [{ name: "writer", check: () => writer.readiness() }];
    const app = await createEdge({ logger, authenticate, readiness });
    registerCommands(app, { writer });
    return {
      url: await app.listen({ host: "127.0.0.1", port: LEDGER_PORT }),
      async stop() {
        await app.drain();
        await app.close();
        await writer.stop();
        await thread.close();
      },
    };
  },
});
