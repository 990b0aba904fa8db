import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SettingsTable } from "ledger-core/process";
import { expect, test } from "vitest";
import { services } from "./start-service.ts";

/** Makes the table of docs/configuration.md from the services' settings. */
function settingsTable(): readonly string[] {
  const users = new Map<
    string,
    { readonly defaults: Set<string>; readonly services: string[]; readonly end: string }
  >();
  for (const { name: service, part } of services) {
    const settings: SettingsTable = part.settings;
    for (const [name, { about, standard, fromFile, secret }] of Object.entries(settings)) {
      if (about === undefined) continue;
      const marks = [secret && "secret", fromFile && "file"].filter(Boolean).join(", ");
      const entry = users.get(name) ?? {
        defaults: new Set(),
        services: [],
        end: marks ? `${about} _${marks}_` : about,
      };
      users.set(name, entry);
      entry.services.push(service);
      if (standard !== undefined) entry.defaults.add(`\`${standard}\``);
    }
  }
  return [...users].map(
    ([name, entry]) =>
      `| \`${name}\` | ${entry.services.join(", ")} | ${[...entry.defaults].join(" · ")} | ${entry.end} |`,
  );
}

/** LEDGER_RECORD_SETTINGS=1 writes the table to the page instead of comparing it. */
test("docs/configuration.md lists every setting of the services", () => {
  const file = join(import.meta.dirname, "../../../docs/configuration.md");
  const lines = readFileSync(file, "utf8").split("\n");
  const isRow = (line: string) => line.startsWith("| `");
  if (process.env.LEDGER_RECORD_SETTINGS === "1") {
    const first = lines.findIndex(isRow);
    writeFileSync(
      file,
      lines
        .filter((line) => !isRow(line))
        .toSpliced(first, 0, ...settingsTable())
        .join("\n"),
    );
  }
  expect(readFileSync(file, "utf8").split("\n").filter(isRow)).toEqual(settingsTable());
});
