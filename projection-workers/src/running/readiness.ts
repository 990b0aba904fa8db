import { formatPosition, type Position, type Revision, type Shard } from "ledger-core";
import type { Metrics, ReadinessCheck } from "ledger-core/http";
import { storeFiles } from "../projections/list.ts";
import type { StoreFile } from "../projections/store-file.ts";
import { nextMove, type ProjectionBoard } from "./board.ts";
import { REBUILDING } from "./reports.ts";
import type { StallWatch } from "./stalls.ts";

/** How far the projections are behind the log. */
export type Lag = {
  readonly projections: ProjectionBoard;
  readonly shards: number;
  /** The files of the projections that this process runs. Default: all. */
  readonly files?: readonly Pick<StoreFile, "name" | "projections">[];
  head(shard: Shard): Revision;
  /**
   * The most events a ready projection may be behind. Queries with a position wait for it regardless. 0 to 10,000,000.
   * Default 10,000.
   */
  readonly behindMax?: number;
  /** Tells which of them stand still. Default: none does. */
  readonly stalls?: StallWatch;
};

const BEHIND_MAX = 10_000;
const TELL_EVERY_MS = 2_000;

/**
 * Waits until every projection has reached the head of the log, one has halted, or `boundMs` has passed. The ledger
 * then serves in any case, and /readyz tells what is behind.
 */
export async function waitForProjections(lag: Lag, boundMs: number, tell: (text: string) => void): Promise<void> {
  const startMs = performance.now();
  let toldMs = startMs;
  while (behind(lag) > 0 && places(lag).every(goesOn)) {
    const nowMs = performance.now();
    if (nowMs - startMs > boundMs) {
      tell(`${tellBehind(lag)}; they go on while the ledger serves, and queries are answered once they are there`);
      return;
    }
    if (nowMs - toldMs > TELL_EVERY_MS) {
      toldMs = nowMs;
      tell(tellBehind(lag));
    }
    await nextMove(lag.projections);
  }
}

type Place = {
  readonly name: string;
  readonly at: Position;
  readonly behind: number;
  readonly trouble: string | undefined;
  /** How long it stands still, in ms; undefined while it does not. */
  readonly stalledMs: number | undefined;
};

/** The names of the projections that a process runs. */
export function namesOf({ files = storeFiles }: Pick<Lag, "files">): readonly string[] {
  return files.flatMap(({ projections }) => projections);
}

function places(lag: Lag): readonly Place[] {
  const { projections, shards, head, stalls } = lag;
  return namesOf(lag).flatMap((name) =>
    Array.from({ length: shards }, (_, shard) => {
      const revision = projections.revision(name, shard);
      const trouble = projections.trouble(name, shard);
      const stalledMs = stalls?.isStalled(name, shard) ? stalls.stoodMs(name, shard) : undefined;
      return { name, at: { shard, revision }, behind: head(shard) - revision, trouble, stalledMs };
    }),
  );
}

function goesOn({ trouble }: Place): boolean {
  return trouble === undefined || trouble === REBUILDING;
}

/** How far the slowest projection is behind. */
function behind(lag: Lag): number {
  return Math.max(0, ...places(lag).map((place) => place.behind));
}

/** The slowest projection as a bar and in numbers. */
function tellBehind(lag: Lag): string {
  const slowest = places(lag).reduce((one, other) => (other.behind > one.behind ? other : one));
  const percent = percentOf(slowest);
  const bar = "#".repeat(Math.floor(percent / 5)).padEnd(20, ".");
  return `projections [${bar}] ${percent} %, ${slowest.behind} events behind`;
}

/** How much of the log a projection has applied, rounded down. */
function percentOf({ at, behind }: Place): number {
  const done = at.revision + 1;
  return Math.floor((100 * done) / Math.max(1, done + behind));
}

/** The readiness check of each projection. */
export function projectionChecks(lag: Lag): readonly ReadinessCheck[] {
  return namesOf(lag).map((name) => projectionCheck(name, lag));
}

function projectionCheck(name: Place["name"], lag: Lag): ReadinessCheck {
  const { behindMax = BEHIND_MAX } = lag;
  return {
    name,
    check() {
      const own = places(lag).filter((place) => place.name === name);
      const goesOn = (place: Place) => place.trouble === undefined && place.stalledMs === undefined;
      const ready = own.every((place) => goesOn(place) && place.behind <= behindMax);
      return { ready, detail: own.map(tellPlace).join("; ") };
    },
  };
}

function tellPlace(of: Place): string {
  const { at, behind } = of;
  const trouble = of.trouble === REBUILDING ? `${REBUILDING}, ${percentOf(of)} %` : of.trouble;
  const place = at.revision < 0 ? `before 0 of shard ${at.shard}` : `at ${formatPosition(at)}`;
  const stands = of.stalledMs === undefined ? undefined : `stands still for ${Math.round(of.stalledMs / 1000)} s`;
  const parts = [place, behind > 0 ? `${behind} behind` : undefined, stands, trouble];
  return parts.filter((part) => part !== undefined).join(", ");
}

export function measureProjections(
  metrics: Metrics,
  lag: Pick<Lag, "projections" | "files" | "shards" | "stalls">,
): void {
  const { projections: board, files = storeFiles, shards, stalls } = lag;
  const stood = (name: string) =>
    Math.max(...Array.from({ length: shards }, (_, shard) => stalls?.stoodMs(name, shard) ?? 0)) / 1000;
  for (const name of namesOf(lag)) {
    metrics.gauge(`projection_${name}_revision`, `Revision that ${name} has come to.`, () => board.revision(name, 0));
    const still = `Time for which ${name} has not advanced although the log has more for it; the slowest shard.`;
    metrics.gauge(`projection_${name}_stalled_seconds`, still, () => stood(name));
  }
  for (const { name } of files) {
    metrics.gauge(`read_models_${name}_set_aside`, `Files of ${name} that could not be read since the start.`, () =>
      board.setAside(name),
    );
  }
}
