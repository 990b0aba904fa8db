import { openEventLog } from "ledger-core/engines";
import { followRevocations, openIdentity, openQuotas } from "ledger-core/http";
import {
  allocateYoung,
  apiPart,
  dataPart,
  eventLogPart,
  identityPart,
  keepTicksFast,
  makeClosers,
  quotasPart,
  revocationsPart,
  serviceProcess,
} from "ledger-core/process";
import { dataPaths } from "ledger-core/process/data-paths";
import { openRevocationFile } from "ledger-core/revocations";
import { startCommandService } from "./service.ts";
import { commandPart } from "./settings.ts";

/** The command-service as a process of its own: the only writer of a log that others read. */
export const commandService = serviceProcess({
  name: "command-service",
  operationsPort: 9081,
  parts: {
    ...{ api: apiPart(8081), data: dataPart, target: eventLogPart },
    ...{ identityTarget: identityPart, commands: commandPart, revocationTuning: revocationsPart, policies: quotasPart },
  },
  async start({ api, data, target, identityTarget, commands, revocationTuning, policies }, context) {
    const { state, tokenKey, revocations: file } = dataPaths(data);
    const closers = makeClosers();
    try {
      const revocations = followRevocations({
        ...{ store: openRevocationFile({ file, writes: true }), writes: true, ...revocationTuning },
        onFault: (fault) => context.logger.warn({ err: fault }, "the revoked tokens cannot be read"),
      });
      closers.push(revocations.close);
      const quotas = openQuotas({ policies });
      closers.push(quotas.close);
      const identity = openIdentity(identityTarget, tokenKey, revocations);
      allocateYoung();
      const releaseTicks = keepTicksFast();
      closers.push(async () => releaseTicks());
      const { log, close: closeLog } = await openEventLog(target);
      closers.push(closeLog);
      const { rails, acceptClock } = commands;
      const service = await startCommandService({
        ...{ ...api, ...context, identity, revocations, quotas, log, stateFile: state, rails },
        writer: { acceptClock },
      });
      closers.push(service.stop);
      return { ...service, stop: closers.close };
    } catch (error) {
      await closers.close();
      throw error;
    }
  },
});
