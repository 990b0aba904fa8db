import { openLogThread } from "ledger-core/event-log";
import { fileAuthenticator } from "ledger-core/http";
import { allocateYoung, dataPaths, keepTicksFast, runService } from "ledger-core/process";
import { startCommandService } from "./service.ts";
import { readCommandSettings } from "./settings.ts";

/** The command-service as a process of its own on the embedded parts: the only writer of a log that others read. */
await runService({
  name: "command-service",
  read: readCommandSettings,
  async start(settings, logger) {
    const { events, state, tokenKey } = dataPaths(settings.LEDGER_DATA);
    const authenticate = fileAuthenticator(tokenKey);
    allocateYoung();
    const releaseTicks = keepTicksFast();
    const thread = await openLogThread({ file: events, shared: true });
    const close = async () => {
      await thread.close();
      releaseTicks();
    };
    try {
      const service = await startCommandService({
        ...{ authenticate, logger, log: thread.log, stateFile: state, rails: settings.rails },
        writer: { acceptClock: settings.LEDGER_ACCEPT_CLOCK === "true" },
        host: settings.LEDGER_HOST,
        port: settings.LEDGER_PORT,
      });
      return { url: service.url, stop: () => service.stop().then(close) };
    } catch (error) {
      await close();
      throw error;
    }
  },
});
