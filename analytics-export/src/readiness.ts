import { formatPosition, type Revision, type Shard } from "ledger-core";
import type { Metrics, ReadinessCheck } from "ledger-core/http";
import type { ProjectionStatus } from "projection-workers";

/** How far each table of each shard is, as told by the exporter or its thread. */
export type ExportBoard = { statuses(): readonly ProjectionStatus[] };

/** One check a table: where each shard is, and why it does not go on. */
export function exportChecks(board: ExportBoard, tables: readonly string[]): readonly ReadinessCheck[] {
  return tables.map((name) => ({
    name,
    check() {
      const shards = board.statuses().filter(({ projection }) => projection === name);
      return { ready: !shards.some(isStopped), detail: shards.map(placeText).join("; ") };
    },
  }));
}

/** One check of all tables, always ready: an embedded ledger serves whether or not its history can be exported. */
export function embeddedExportCheck(board: ExportBoard): ReadinessCheck {
  return {
    name: "export",
    check() {
      const all = board.statuses();
      const stopped = all.filter(isStopped).map((status) => `${status.projection} ${placeText(status)}`);
      const least = Math.min(...all.map(({ revision }) => revision));
      const going = least < 0 || all.length === 0 ? "nothing yet" : `every table is at ${least} or later`;
      return { ready: true, detail: stopped.length === 0 ? going : stopped.join("; ") };
    },
  };
}

export function measureExport(metrics: Metrics, board: ExportBoard, head: (shard: Shard) => Revision): void {
  metrics.gauge("export_behind_events", "Events of the log that the table furthest behind does not hold yet.", () =>
    Math.max(0, ...board.statuses().map(({ shard, revision }) => head(shard) - revision)),
  );
  metrics.gauge(
    "export_stopped_tables",
    "Tables and shards whose export does not go on now.",
    () => board.statuses().filter(isStopped).length,
  );
}

function placeText({ shard, revision, state, publicReason }: ProjectionStatus): string {
  const at = revision < 0 ? `${shard}: nothing yet` : formatPosition({ shard, revision });
  return `${at}, ${state.replace("_", " ")}${publicReason === null ? "" : `, ${publicReason}`}`;
}

function isStopped({ state }: ProjectionStatus): boolean {
  return state === "retrying" || state === "halted";
}
