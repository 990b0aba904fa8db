import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { type Figure, met } from "./figure.ts";

export type Machine = Readonly<Record<"cpu" | "cores" | "memoryGiB" | "kernel" | "node" | "sqlite", string | number>>;

export function machine(): Machine {
  const [cpu] = cpus();
  return {
    cpu: cpu?.model ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    sqlite: process.versions.sqlite ?? "unknown",
  };
}

/** For people: the figures as a table, ratios included. */
export function table(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.id,
    figure.what,
    `${shorten(figure.value)} ${figure.unit}`,
    figure.target === null ? "" : `${figure.more ? "≥" : "≤"} ${shorten(figure.target)}`,
    { true: "met", false: "missed", null: "" }[String(met(figure))] ?? "",
    figure.beside.map(({ name, value }) => `${shorten(figure.value / value)} × ${name} (${shorten(value)})`).join("; "),
    figure.note,
  ]);
  const header = ["", "what", "figure", "target", "", "beside", "note"];
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? "").length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join(" | ")
      .trimEnd();
  return [line(header), widths.map((width) => "-".repeat(width)).join("-|-"), ...rows.map(line)].join("\n");
}

/** Keeps a run under bench/results, named by its time and kind. */
export function keep(kind: string, figures: readonly Figure[], began: Date): string {
  const folder = fileURLToPath(new URL("../results/", import.meta.url));
  mkdirSync(folder, { recursive: true });
  const file = `${folder}${began.toISOString().slice(0, 19).replaceAll(":", "")}Z-${kind}.json`;
  const judged = figures.map((figure) => ({ ...figure, met: met(figure) }));
  writeFileSync(
    file,
    `${JSON.stringify({ at: began.toISOString(), kind, machine: machine(), figures: judged }, null, 2)}\n`,
  );
  return file;
}

function shorten(value: number): string {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en");
  return value.toPrecision(3).replace(/\.?0+$/, "");
}
