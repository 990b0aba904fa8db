import { NO_REVISION, type Shard } from "ledger-core";
import { type ComparedStore, type ComparedWith, noReport, type StoreReport } from "projection-workers";
import { exportTables } from "../tables/tables.ts";
import { tableStatus } from "./table-status.ts";
import { type ComparisonOptions, type LakeComparison, verifyTable } from "./verify.ts";

/** The exported tables as a store of `ledger verify --stores`: every row, and the figures at the common position. */
export function lakeStore(options: Pick<ComparisonOptions, "log" | "lake" | "names">): ComparedStore {
  const { lake } = options;
  return {
    store: "lake",
    async positions(shards) {
      const tables = await Promise.all(exportTables.map(({ name }) => tableStatus(lake, name)));
      return shards.map((shard) => ({ shard, revision: Math.min(...tables.map((table) => reached(table, shard))) }));
    },
    async compare(common) {
      const tables: LakeComparison[] = [];
      for (const shard of common.shards)
        for (const table of exportTables)
          tables.push(await verifyTable({ ...options, table, shard, upTo: common.upTo.get(shard) ?? NO_REVISION }));
      return reportOf(tables, common);
    },
  };
}

function reached({ positions }: Awaited<ReturnType<typeof tableStatus>>, wanted: Shard): number {
  return positions.find(({ shard }) => shard === wanted)?.revision ?? NO_REVISION;
}

function reportOf(tables: readonly LakeComparison[], { shards, behind, figures }: ComparedWith): StoreReport {
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  const at = (wanted: Shard) => Math.min(...tables.filter(({ shard }) => shard === wanted).map(({ last }) => last));
  const positions = shards.map((shard) => ({ shard, revision: at(shard) }));
  const report = { ...noReport, store: "lake", positions, rows };
  const faulty = tables.find(({ fault }) => fault !== null);
  if (faulty) {
    const { fault, first } = faulty;
    if (!first) return { ...report, verdict: "unreadable", detail: `${fault}` };
    return { ...report, verdict: "differs", detail: `${fault}`, differing: 1, first };
  }
  const [found, logged] = [lakeTotals(tables), totals(figures)];
  if (found !== logged) return { ...report, verdict: "differs", detail: `${found}; by the log's events ${logged}` };
  const leaves = tables.flatMap(({ figures: { leaves: hash } }) => hash ?? []);
  const equal = `${rows} rows equal the log, leaves ${leaves.map((hash) => hash.slice(0, 16)).join(", ")}`;
  if (behind === 0) return { ...report, verdict: "equal", detail: equal };
  return { ...report, verdict: "unknown", detail: `${equal}, and ${behind} events of the log are missing yet` };
}

type Totals = { readonly entries: number; readonly credited: Readonly<Record<string, string>> };

function totals({ entries, credited }: Totals): string {
  const sums = Object.entries(credited).map(([currency, sum]) => `${currency} ${sum}`);
  return `${entries} entries, credited ${sums.join(", ") || "nothing"}`;
}

/** The same of all tables of the lake; only that of postings has entries. */
function lakeTotals(tables: readonly LakeComparison[]): string {
  let entries = 0;
  const credited = new Map<string, bigint>();
  for (const { figures } of tables) {
    entries += figures.entries;
    for (const [currency, sum] of Object.entries(figures.credited))
      credited.set(currency, (credited.get(currency) ?? 0n) + BigInt(sum));
  }
  const sums = [...credited].sort().map(([currency, sum]) => [currency, `${sum}`]);
  return totals({ entries, credited: Object.fromEntries(sums) });
}
