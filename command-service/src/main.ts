import { openEventLog } from "ledger-core/engines";
import { openIdentity } from "ledger-core/http";
import {
  allocateYoung,
  apiPart,
  dataPart,
  eventLogPart,
  identityPart,
  keepTicksFast,
  serviceProcess,
} from "ledger-core/process";
import { dataPaths } from "ledger-core/process/data-paths";
import { startCommandService } from "./service.ts";
import { commandPart } from "./settings.ts";

/** The command-service as a process of its own: the only writer of a log that others read. */
export const commandService = serviceProcess({
  name: "command-service",
  operationsPort: 9081,
  parts: {
    ...{ api: apiPart(8081), data: dataPart, target: eventLogPart },
    ...{ identityTarget: identityPart, commands: commandPart },
  },
  async start({ api, data, target, identityTarget, commands }, context) {
    const { state, tokenKey } = dataPaths(data);
    const identity = openIdentity(identityTarget, tokenKey);
    allocateYoung();
    const releaseTicks = keepTicksFast();
    const { log, close: closeLog } = await openEventLog(target);
    const close = async () => {
      await closeLog();
      releaseTicks();
    };
    try {
      const { rails, acceptClock } = commands;
      const service = await startCommandService({
        ...{ ...api, ...context, identity, log, stateFile: state, rails },
        writer: { acceptClock },
      });
      return { ...service, stop: () => service.stop().then(close) };
    } catch (error) {
      await close();
      throw error;
    }
  },
});
