import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Lanes, startLanes } from "../chaos/lanes.ts";
import { type LiveService, startEngines } from "../engines/start.ts";
import { type VerifiedStores, verifyStores } from "../engines/verify-stores.ts";
import { at } from "../json.ts";
import { seeded } from "../random.ts";

const LANES = 6;
/** Readers first, so that they meet the other release's events; the writer first on the way back. */
const ORDER = ["projections", "query-service", "mirror", "command-service"];

export type UpgradeOnEngines = {
  readonly engines: readonly string[];
  /** Broken promises, a service that did not stop in order, and stores that differ from the log. */
  readonly faults: readonly string[];
};

/**
 * Replaces each service of the previous release by today's and then the other way round, under load, on one log,
 * broker, database, graph and Redis. Compares the stores with the log, with today's program, after each direction.
 * @param previous the root of the previous release's programs
 */
export async function upgradeOnEngines(
  previous: string,
  { seed, tell }: { readonly seed: number; readonly tell: (text: string) => void },
): Promise<UpgradeOnEngines> {
  const folder = mkdtempSync(join(tmpdir(), "payledger-upgrade-"));
  const [data, logData] = [join(folder, "services"), join(folder, "log")];
  for (const part of [data, logData]) mkdirSync(part);
  const random = seeded(seed);
  const faults: string[] = [];
  try {
    const started = await startEngines({ ...{ data, logData, port: 0, tree: previous }, tell });
    try {
      const lanes = await startLanes({ url: started.url, data, lanes: LANES, next: (n) => Math.floor(random() * n) });
      await lanes.round();
      const directions = [
        { to: "this release", tree: undefined, order: ORDER },
        { to: "the release before", tree: previous, order: ORDER.toReversed() },
      ];
      for (const { to, tree, order } of directions) {
        for (const name of order) {
          const service = started.processes.find((one) => one.name === name);
          if (!service) continue;
          lanes.take();
          const fault = await replace(service, tree);
          await lanes.round();
          tell(`${name} of ${to}: ${describe(lanes, faults)}`);
          if (fault !== undefined) faults.push(fault);
        }
        // The release before keeps session views in its own layout, which today's program does not read (ADR 44).
        const settings = Object.entries(started.environment);
        const others = settings.filter(([name]) => !name.startsWith("SESSIONS"));
        const verified = await verifyStores(data, Object.fromEntries(tree === undefined ? settings : others));
        if (verified.code !== 0) faults.push(`stores with ${to}: ${verified.report}`);
        tell(`stores with ${to}: ${describeStores(verified)}`);
      }
      await lanes.end();
      tell(`the end: ${describe(lanes, faults)}`);
      return { engines: started.engines, faults };
    } finally {
      await started.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Stops a service as an upgrade does, and starts it from a release's programs. Returns how it failed to stop. */
async function replace(service: LiveService, tree: string | undefined): Promise<string | undefined> {
  const code = await service.end("SIGTERM");
  const output = service.output();
  await service.start(tree);
  return code === 0 ? undefined : `${service.name} stopped with ${code}: ${output}`;
}

/** The results since the last call, whose broken promises are added to the faults. */
function describe(lanes: Lanes, faults: string[]): string {
  const { commands, queries, refused, cut, wrong } = lanes.take();
  faults.push(...wrong);
  const counts = `${commands.length} commands, ${queries.length} queries, ${refused} answered 503, ${cut} cut off`;
  return `${counts}, ${wrong.length} wrong`;
}

function describeStores({ code, report }: VerifiedStores): string {
  return code === 0 ? `equal the log at ${JSON.stringify(at(JSON.parse(report), "positions"))}` : `differ: ${report}`;
}
