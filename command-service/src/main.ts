import { openEventLog } from "ledger-core/engines";
import { openCallerLimits, openIdentity } from "ledger-core/http";
import {
  allocateYoung,
  apiPart,
  callerLimitsPart,
  dataPart,
  eventLogPart,
  identityPart,
  keepTicksFast,
  makeClosers,
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
    ...{ identityTarget: identityPart, commands: commandPart, limiting: callerLimitsPart },
  },
  async start({ api, data, target, identityTarget, commands, limiting }, context) {
    const { state, tokenKey, revocations: file } = dataPaths(data);
    const closers = makeClosers();
    try {
      const callerLimits = await openCallerLimits({ ...limiting, file, writes: true, logger: context.logger });
      closers.push(callerLimits.close);
      const identity = openIdentity(identityTarget, tokenKey, callerLimits.revocations);
      allocateYoung();
      const releaseTicks = keepTicksFast();
      closers.push(async () => releaseTicks());
      const { log, close: closeLog } = await openEventLog(target);
      closers.push(closeLog);
      const { rails, acceptClock } = commands;
      const service = await startCommandService({
        ...{ ...api, ...context, identity, callerLimits, log, stateFile: state, rails },
        writer: { acceptClock, waitForLog: true },
      });
      closers.push(service.stop);
      return { ...service, stop: closers.close };
    } catch (error) {
      await closers.close();
      throw error;
    }
  },
});
