import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { type Figure, met } from "./figure.ts";

export type MachineFacts = Readonly<
  Record<"cpu" | "cores" | "memoryGiB" | "kernel" | "node" | "sqlite", string | number>
>;

export function machine(): MachineFacts {
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

/** The figures as a table for people, with ratios. */
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
  return columns(["", "what", "figure", "target", "", "beside", "note"], rows);
}

/** Rows under a header; each column is as wide as its widest cell. */
export function columns(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? "").length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join(" | ")
      .trimEnd();
  return [line(header), widths.map((width) => "-".repeat(width)).join("-|-"), ...rows.map(line)].join("\n");
}

/** Figures and whether they met their targets, for the JSON. */
export function judged(figures: readonly Figure[]): object[] {
  return figures.map((figure) => ({ ...figure, met: met(figure) }));
}

/** Writes a run to bench/results, named by time and kind, with a description of the machine. @returns the file */
export function keep(kind: string, began: Date, found: object): string {
  const folder = fileURLToPath(new URL("../results/", import.meta.url));
  mkdirSync(folder, { recursive: true });
  const file = `${folder}${began.toISOString().slice(0, 19).replaceAll(":", "")}Z-${kind}.json`;
  const run = { at: began.toISOString(), kind, machine: machine(), ...found };
  writeFileSync(file, `${JSON.stringify(run, null, 2)}\n`);
  return file;
}

/** Three significant digits; thousands with separators. */
export function shorten(value: number): string {
  if (Math.abs(value) >= 999.5) return Math.round(value).toLocaleString("en");
  const text = value.toPrecision(3);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}
