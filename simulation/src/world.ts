import type { Micros } from "ledger-core";
import type { StoredEvent } from "ledger-core/event-log";
import { type Auditor, makeAuditor } from "./auditor/auditor.ts";
import { mustHold, Violation } from "./auditor/violation.ts";
import { type Clients, makeClients } from "./clients/clients.ts";
import { type CommandDelivery, makeDelivery } from "./clients/delivery.ts";
import { HttpClients } from "./clients/http-clients.ts";
import { type FaultKind, makeFaults } from "./faults.ts";
import { makeNemesis } from "./nemesis.ts";
import { nothingPlanted, type Plant } from "./plant.ts";
import { randomFrom } from "./random.ts";
import { makeReadSide, type SimulatedReadSide } from "./read-side/read-side.ts";
import { makeScheduler } from "./scheduler.ts";
import { drawSettings } from "./settings.ts";
import { makeTrace } from "./trace.ts";
import type { MachineClock } from "./write-side/machine-clock.ts";
import { makeWriteSide, type Surroundings } from "./write-side/write-side.ts";

export type WorldOptions = {
  readonly seed: string;
  /** Steps under faults; healing takes some more. */
  readonly steps: number;
  /** Whether to heal it then, and to check that it converges. Default: yes. */
  readonly heals?: boolean;
  readonly faults: ReadonlySet<FaultKind>;
  readonly plant?: Plant;
  /** The number of clients. Default 8. */
  readonly clients?: number;
  /** How many lines of the story to keep. */
  readonly keep?: number;
  /** Settings to leave at their defaults, such as `writer.queueMax`. */
  readonly defaults?: ReadonlySet<string>;
};

export type WorldResult = {
  readonly steps: number;
  readonly events: number;
  /** Its event types, refusal codes and fault kinds. */
  readonly seen: ReadonlySet<string>;
  readonly digest: string;
  readonly violation: Violation | undefined;
  readonly story: readonly string[];
  /** The drawn tuning constants with their values. */
  readonly settings: ReadonlyMap<string, string>;
};

/** 2026-11-22T15:59:50Z: ten seconds before midnight in Hong Kong. */
const START = 1_795_363_190_000_000;
/** 30 days, and the hours by which a clock was off before. */
const FOLLOWED_US = 30.9 * 86_400_000_000;
const HEAL_STEPS_MAX = 60_000;
const EXPIRY_US = 15_000_000;

/** Builds a small world from a seed, runs it under faults, heals it, and checks that it converges. */
export async function runWorld(options: WorldOptions): Promise<WorldResult> {
  const trace = makeTrace(START, options.keep ?? 400);
  let found: Violation | undefined;
  const onViolation = (error: unknown) => {
    found ??= error instanceof Violation ? error : new Violation("no process ends by a bug", asText(error));
  };
  const scheduler = makeScheduler(START, (_owner, error) => onViolation(error));
  const random = randomFrom(options.seed);
  const faults = makeFaults(options.faults, random.stream("faults"));
  const note = (who: string, what: string) => trace.note(scheduler.now(), who, what);
  const plant = options.plant ?? nothingPlanted;
  const settings = drawSettings(random.stream("settings"), options.defaults ?? new Set());
  const world = await compose({ scheduler, random, faults, plant, settings, note, onViolation }, options.clients ?? 8);
  let steps = 0;
  const advance = async () => {
    if (!(await scheduler.step())) throw new Violation("20 converges", "nothing is left to happen");
    steps++;
    world.delivery.checkQueues();
    if (found) throw found;
  };
  try {
    world.start();
    while (steps < options.steps) await advance();
    if (options.heals ?? true) {
      world.heal();
      await converge(advance, world, scheduler.now);
    }
  } catch (error) {
    onViolation(error);
  }
  await world.close();
  const { events } = world.auditor;
  const seen = new Set<string>(faults.struck);
  for (const { fact } of events) seen.add(fact.type).add("code" in fact ? fact.code : fact.type);
  const story = { violation: found, story: trace.lines(), settings: settings.drawn };
  return { steps, events: events.length, seen, digest: trace.digest(), ...story };
}

function asText(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

type World = {
  readonly auditor: Auditor;
  readonly clients: Clients;
  readonly delivery: CommandDelivery;
  readonly readSide: SimulatedReadSide;
  close(): Promise<void>;
  start(): void;
  heal(): void;
};

async function compose(surroundings: Surroundings, count: number): Promise<World> {
  const { random, note, onViolation } = surroundings;
  const auditor = makeAuditor(surroundings.settings.writer);
  const delivery = makeDelivery({ auditor, note, onViolation });
  const writeSide = makeWriteSide(
    surroundings,
    {
      onAppended: (batch, append) => {
        const clock = writeSide.processes.find(({ name }) => name === append.from)?.clock;
        checkClock(batch, auditor.events.at(-1)?.at, surroundings.scheduler.now(), clock);
        auditor.appended(batch, append.events);
      },
      onRestart: auditor.restarted,
    },
    delivery.checkStopped,
  );
  const readSide = await makeReadSide(surroundings, writeSide, auditor);
  const parts = { ...surroundings, ...writeSide, auditor, delivery };
  const clients = makeClients({ ...parts, random: random.stream("clients"), count });
  const httpClients = new HttpClients({ ...parts, random: random.stream("http clients") });
  const nemesis = makeNemesis({ ...parts, random: random.stream("nemesis"), clients, projector: readSide.projector });
  return {
    auditor,
    clients,
    delivery,
    readSide,
    close: async () => {
      await readSide.close();
      await httpClients.close();
    },
    start() {
      writeSide.processes[0]?.start();
      readSide.start();
      clients.start();
      httpClients.start();
      nemesis.start();
    },
    heal() {
      note("world", "heals");
      nemesis.heal();
      clients.finish();
    },
  };
}

/**
 * Checks that no writer accepts a clock more than 30 days ahead, unless the log is empty, and that writers follow a
 * right or a corrected clock.
 */
function checkClock(
  batch: readonly StoredEvent[],
  last: Micros | undefined,
  now: Micros,
  clock: Pick<MachineClock, "said"> | undefined,
): void {
  const most = Math.max(last ?? Number.POSITIVE_INFINITY, now) + FOLLOWED_US;
  let before = last;
  for (const { at, revision } of batch) {
    mustHold(at <= most, "14 clocks", () => `event ${revision} is of a wild clock, ${at}`);
    const followed = at === before || clock?.said(at) === true;
    mustHold(followed, "14 clocks", () => `event ${revision} is of ${at}, which its writer's clock did not say`);
    before = at;
  }
}

/**
 * After healing, every request gets its answer, expired authorizations are released, and the projections equal the log.
 */
async function converge(advance: () => Promise<void>, world: World, now: () => number): Promise<void> {
  const { auditor, clients, delivery, readSide } = world;
  let left = HEAL_STEPS_MAX;
  const until = async (reached: () => boolean, open: () => string) => {
    while (!reached()) {
      mustHold(left-- > 0, "20 converges", open);
      await advance();
    }
  };
  await until(
    () => clients.unanswered() === 0,
    () => `${clients.unanswered()} requests have no answer`,
  );
  await until(
    () => delivery.unanswered() === 0,
    () => `${delivery.unanswered()} commands that were accepted have no answer`,
  );
  // By the log's time, which is ahead of every clock once one of them was.
  const due = Math.max(now(), auditor.events.at(-1)?.at ?? 0);
  const late = now() + EXPIRY_US;
  while (now() < late) await advance();
  const overdue = auditor.overdue(due);
  mustHold(overdue === 0, "20 converges", () => `${overdue} authorizations ran out and are still held`);
  await until(
    () => readSide.revision() === auditor.events.length - 1,
    () => `projections are at ${readSide.revision()} of ${auditor.events.length - 1}`,
  );
  await readSide.compare();
}
