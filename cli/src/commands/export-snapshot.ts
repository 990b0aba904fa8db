import {
  embeddedEnvironment,
  exportPart,
  type LakeSnapshot,
  openExport,
  positionsAt,
  takeSnapshot,
} from "analytics-export";
import { Command, InvalidArgumentError } from "commander";
import { formatPosition, type Micros, type Position, parseInstant, parsePosition } from "ledger-core";
import { readConfiguration, shardsPart } from "ledger-core/process";
import { createOutput, exitCodes } from "../output.ts";
import { DEFAULT_DATA } from "../settings.ts";

const help = `
Describes a data set that holds nothing that came later, so that a model trained on it has not seen the future: each
table's rows up to one position per shard, with their number and a hash over all cells. It reads the lake alone, and
the same positions always give the same sha256, however the files have been merged since.

Examples:
  ledger export snapshot --at 0:1000000 --json > snapshot.json
  ledger export snapshot --at 2026-11-01T00:00:00Z

Exit codes: 0 done; 1 the lake does not reach that far, or cannot be read; 2 unusable settings.`;

type At = { readonly time: Micros } | { readonly positions: readonly Position[] };

/** `ledger export snapshot`: a manifest of every table as of one position per shard. */
export function exportSnapshotCommand(finish: (code: number) => void): Command {
  return new Command("snapshot")
    .description("describe every table as of a position, for data sets that can be built again")
    .requiredOption("--at <when>", "a position per shard, such as 0:1000,1:990, or a time", readAt)
    .option("--json", "print the manifest as one JSON document")
    .addHelpText("after", help)
    .action(async (flags: { at: At; json?: true }) => {
      const parts = { lake: exportPart, shards: shardsPart };
      const { lake: place, shards } = readConfiguration(parts, embeddedEnvironment(DEFAULT_DATA));
      const { lake } = await openExport(place);
      const { at } = flags;
      const positions = "time" in at ? await positionsAt(lake, shards, at.time) : at.positions;
      const snapshot = await takeSnapshot(lake, positions);
      createOutput(flags.json ?? false).result(snapshot, describe(snapshot));
      finish(exitCodes.ok);
    });
}

function readAt(text: string): At {
  const time = parseInstant(text);
  if (time !== undefined) return { time };
  const positions = text.split(",").map(parsePosition);
  const known = positions.filter((position) => position !== undefined);
  const shards = new Set(known.map(({ shard }) => shard));
  if (known.length < positions.length || shards.size < known.length)
    throw new InvalidArgumentError(
      "It must be a position per shard, such as 0:1000, or a time like 2026-11-01T00:00:00Z.",
    );
  return { positions: known };
}

function describe({ at, tables, sha256 }: LakeSnapshot): readonly string[] {
  const lines = tables.map(({ table, rows, sha256: hash }) => `${table}: ${rows} rows, sha256 ${hash}`);
  return [`as of ${at.map(formatPosition).join(", ") || "the start"}, sha256 ${sha256}`, ...lines];
}
