import { Command } from "commander";
import { LedgerError, NO_REVISION } from "ledger-core";
import { openEventLogReader } from "ledger-core/engines";
import { openMirrorSource } from "ledger-core/kafka";
import { brokerPart, createLogger, eventLogPart, readConfiguration, shardsPart } from "ledger-core/process";
import { compareMirror, type MirrorComparison } from "projection-workers";
import { createOutput, exitCodes } from "../output.ts";

const examples = `
Reads every record of the mirror and compares it with the log: revision, id, type, time, leaf and bytes. The environment
names log and broker (EVENT_LOG, BROKER, LEDGER_SHARDS), as for the services; ledger config check shows them.
Nothing is changed. A mirror that is still catching up ends before the log: run it again.

Examples:
  BROKER=kafka://broker.internal:9093 ledger mirror verify
  ledger mirror verify --json

Exit codes: 0 the mirror equals the log; 1 log or broker cannot be read; 2 unusable settings; 3 they differ.`;

/** `ledger mirror`: checks the mirror on the broker. */
export function mirrorCommand(finish: (code: number) => void): Command {
  const verify = new Command("verify")
    .description("compare the mirror on the broker with the log, record by record")
    .option("--json", "print one JSON document")
    .addHelpText("after", examples)
    .action(async (flags: { json?: true }) => {
      const shards = await compareShards();
      createOutput(flags.json ?? false).result({ shards }, shards.map(describe));
      finish(shards.every(({ fault }) => fault === null) ? exitCodes.ok : exitCodes.checkNotMet);
    });
  return new Command("mirror").description("look at the mirror of the log on the broker").addCommand(verify);
}

async function compareShards(): Promise<readonly MirrorComparison[]> {
  const parts = { target: eventLogPart, broker: brokerPart, shards: shardsPart };
  const { target, broker, shards } = readConfiguration(parts);
  if (broker.kind === "none") throw new LedgerError("config", "BROKER is not set: there is no mirror to compare");
  const log = await openEventLogReader(target);
  const mirror = openMirrorSource(broker, { logger: createLogger({ name: "mirror", level: "error" }) });
  try {
    const comparisons: MirrorComparison[] = [];
    for (let shard = 0; shard < shards; shard++) comparisons.push(await compareMirror(log, mirror, shard));
    return comparisons;
  } finally {
    await mirror.close();
    await log.close();
  }
}

function describe({ shard, first, last, head, repeats, foreign, fault }: MirrorComparison): string {
  const range = last === NO_REVISION ? "empty" : `${shard}:${first} to ${shard}:${last} of ${shard}:${head}`;
  const extras = `${repeats} repeats, ${foreign} records of other writers`;
  const verdict = fault === null ? "equal" : `DIFFERS, ${fault}`;
  return `shard ${shard}: ${verdict}; ${range}; ${extras}`;
}
