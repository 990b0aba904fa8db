import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type Scale, scales } from "./scale.ts";

export const usage = `npm run bench -- [--quick | --full] [--only PART,PART] [--against FOLDER]
npm run bench -- --soak [MINUTES] [--rate N] [--only whole] [--quick | --full]
npm run bench -- --keys N [--filter-mib MIB]

Parts: singles, bulk, history, sessions (Redis), whole, graph (Gremlin Server), production: EventStoreDB
(EVENTSTOREDB_URL, else a stand-in) and Kafka, replica: read models on a MariaDB primary with a replica, and export:
the history as Delta tables.

Measures the targets of docs/performance.md on this machine, floors and peers in the same run; prints a table and
keeps JSON in bench/results. It takes less than 25 minutes on a quiet machine of two cores; --quick takes some five,
and --full, with the sizes of the targets (10 million payments), about an hour. --against measures the whole and the
rebuilds of another checkout too (its dependencies are installed), beside this one's.
--soak runs the command service, or with --only whole all of the ledger, at N payments a second (default: 60 % of what
it does, measured just before) for so many minutes (default 30) and says what grows.
--keys fills the store of idempotency keys directly and prints what that costs; filters may take so many MiB
(default 256).`;

export const partNames = [
  ...(["singles", "bulk", "history", "sessions", "whole", "production", "replica", "graph", "export"] as const),
] as const;
export type PartName = (typeof partNames)[number];

export type Soak = { readonly minutes: number; readonly rate: number | null; readonly whole: boolean };
export type BenchOptions = {
  readonly scale: Scale;
  readonly parts: ReadonlySet<PartName>;
  /** Another checkout to measure beside this one. */
  readonly against?: string;
  readonly soak: Soak | undefined;
  readonly keys?: Keys;
};
export type Keys = { readonly keys: number; readonly filterMib: number };

/** Undefined if help was requested. @throws on unknown or malformed arguments */
export function readOptions(args: readonly string[]): BenchOptions | undefined {
  const { values } = parseArgs({
    args: withMinutes(args),
    options: {
      quick: { type: "boolean" },
      full: { type: "boolean" },
      only: { type: "string" },
      against: { type: "string" },
      soak: { type: "string" },
      rate: { type: "string" },
      keys: { type: "string" },
      "filter-mib": { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help) return undefined;
  if (values.rate !== undefined && values.soak === undefined) throw new Error("--rate is for --soak");
  const soak = soakOf(values);
  if (values.quick && values.full) throw new Error("--quick and --full exclude each other");
  const scale = values.quick ? scales.quick : values.full ? scales.full : scales.standard;
  const against = values.against === undefined ? {} : { against: checkout(values.against) };
  return {
    ...{ scale, parts: new Set(values.only?.split(",").map(partOf) ?? partNames), soak },
    ...against,
    ...keysOf(values),
  };
}

function checkout(folder: string): string {
  const path = resolve(folder);
  if (!existsSync(join(path, "bench/src")))
    throw new Error(`--against takes a checkout of this project, not ${folder}`);
  return path;
}

function keysOf(values: { keys?: string | undefined; "filter-mib"?: string | undefined }): { readonly keys?: Keys } {
  const { keys, "filter-mib": filterMib = "256" } = values;
  if (keys === undefined) return {};
  return { keys: { keys: positive("--keys", keys), filterMib: positive("--filter-mib", filterMib) } };
}

function soakOf(values: Partial<Readonly<Record<"soak" | "rate" | "only", string>>>): Soak | undefined {
  if (values.soak === undefined) return undefined;
  if (values.only !== undefined && values.only !== "whole") throw new Error("--soak takes no part but --only whole");
  return { minutes: positive("--soak", values.soak), rate: rateOf(values), whole: values.only === "whole" };
}

/** `--soak` without a value runs for half an hour. */
function withMinutes(args: readonly string[]): string[] {
  return args.flatMap((arg, i) => (arg === "--soak" && !/^\d/.test(args[i + 1] ?? "") ? [arg, "30"] : [arg]));
}

function rateOf({ rate }: { readonly rate?: string }): number | null {
  return rate === undefined ? null : positive("--rate", rate);
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new Error(`${name} takes a number above 0, not ${text}`);
  return value;
}

function partOf(text: string): PartName {
  const part = partNames.find((name) => name === text);
  if (!part) throw new Error(`--only takes ${partNames.join(", ")}, not ${text}`);
  return part;
}
