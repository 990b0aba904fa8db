import { exportService } from "analytics-export/service";
import { commandService } from "command-service";
import { Argument, Command } from "commander";
import type { ServiceProcess, SettingsTable } from "ledger-core/process";
import { fileOf, mirrorService, projectionNames, projectionService, SESSION, storeFiles } from "projection-workers";
import { queryService } from "query-service";
import { startAll } from "./start-all.ts";

/** The services that can run as separate processes; one process runs all projections. */
export const services: readonly ServiceProcess[] = [
  commandService,
  mirrorService,
  allProjections(),
  queryService,
  exportService,
];

/** Services that take requests stop first. */
const inStoppingOrder = [commandService, queryService, mirrorService, allProjections(), exportService];

const about: Readonly<Record<string, string>> = {
  "command-service": "answer commands: the only writer of the event log",
  mirror: "copy the event log to the broker",
  "query-service": "answer queries from the read models",
  export: "export the history as Delta tables",
};

function allProjections(): ServiceProcess {
  return projectionService({ files: storeFiles, session: "in Redis" });
}

/** `ledger start <service>`: runs one service as this process, configured by the environment. */
export function serviceCommands(): readonly Command[] {
  const simple = [commandService, mirrorService, queryService, exportService].map((service) =>
    new Command(service.name)
      .description(`${about[service.name]}, as a process of its own`)
      .addHelpText("after", settingsHelp(service.part.settings))
      .action(() => service.run()),
  );
  const projections = new Command("projections")
    .description("apply the log's events to read models, as a process of its own")
    .addArgument(new Argument("[names...]", "which projections; all by default").choices([...projectionNames, SESSION]))
    .addHelpText("after", settingsHelp(allProjections().part.settings))
    .action((names: readonly string[]) => {
      if (names.length === 0) return allProjections().run();
      const files = new Set(names.filter((name) => name !== SESSION).map(fileOf));
      return projectionService({ files: [...files], session: names.includes(SESSION) ? "yes" : "no" }).run();
    });
  const all = new Command("all")
    .description("run each of these services as a process of its own; the mirror and the export if they are set")
    .addHelpText("after", allHelp)
    .action(() => startAll(inStoppingOrder));
  return [...simple, projections, all];
}

const allHelp = `
Each service reads the settings of its own from this environment, so the ports keep their defaults.
Ctrl-C or SIGTERM stops them in order. If one ends by itself, the others are stopped, and the exit code is not 0.
Exit codes: 0 stopped; 2 settings that cannot be used, or those of the service that ended first; else 1.`;

/** A service's settings, one per line. */
function settingsHelp(settings: SettingsTable): string {
  const lines = Object.entries(settings)
    .filter(([, { about }]) => about !== undefined)
    .map(
      ([name, { about, standard }]) => `  ${name}  ${about}${standard === undefined ? "" : ` Default ${standard}.`}`,
    );
  return `
Settings are read from the environment; docs/configuration.md describes them, \`ledger config check\` tries them:
${lines.join("\n")}

It prints where it listens as one line of JSON, logs to stderr, and stops in order at SIGTERM or Ctrl-C.
Exit codes: 0 stopped; 1 it could not start; 2 settings that cannot be used; 130 ended at once.`;
}
