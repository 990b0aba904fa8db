import type { WriterParts } from "command-service";
import type { Runtime } from "ledger-core";
import type { EventLog } from "ledger-core/event-log";
import { type Auditor, makeAuditor } from "./auditor/auditor.ts";
import { hold, Violation } from "./auditor/violation.ts";
import { makeClients } from "./clients.ts";
import { makeDelivery } from "./delivery.ts";
import { makeEventStore } from "./event-store.ts";
import { type FaultKind, makeFaults } from "./faults.ts";
import { makeNemesis } from "./nemesis.ts";
import { randomFrom } from "./random.ts";
import { makeScheduler } from "./scheduler.ts";
import { connectStore } from "./store-connection.ts";
import { makeTrace, type Trace } from "./trace.ts";
import { makeWriterProcess } from "./writer-process.ts";

/** Where a planted bug gets in: each wraps one part of the world. Without a bug each gives back what it is given. */
export type Plant = {
  readonly log: (log: EventLog) => EventLog;
  readonly runtime: (runtime: Runtime) => Runtime;
  readonly parts: (parts: WriterParts) => WriterParts;
};

export const nothingPlanted: Plant = { log: (log) => log, runtime: (runtime) => runtime, parts: (parts) => parts };

export type WorldOptions = {
  readonly seed: string;
  /** Steps under faults; healing takes some more. */
  readonly steps: number;
  readonly faults: ReadonlySet<FaultKind>;
  readonly plant?: Plant;
  /** How many lines of the story to keep. */
  readonly keep?: number;
};

export type WorldResult = {
  readonly steps: number;
  readonly events: number;
  readonly digest: string;
  readonly violation: Violation | undefined;
  readonly story: readonly string[];
};

/** 2026-11-22T15:59:50Z: ten seconds before midnight in Hong Kong. */
const START = 1_795_363_190_000_000;
const HEAL_STEPS_MAX = 60_000;
const EXPIRY_US = 15_000_000;

/** Builds a small world from a seed, lets it run under faults, heals it, and sees that everything comes right. */
export async function runWorld(options: WorldOptions): Promise<WorldResult> {
  const trace = makeTrace(START, options.keep ?? 400);
  let found: Violation | undefined;
  const onViolation = (error: unknown) => {
    found ??=
      error instanceof Violation
        ? error
        : new Violation("0 bug", error instanceof Error ? `${error.stack}` : `${error}`);
  };
  const scheduler = makeScheduler(START, (_owner, error) => onViolation(error));
  const auditor = makeAuditor();
  const world = compose(options, { scheduler, auditor, trace, onViolation });
  let steps = 0;
  const advance = async () => {
    if (!(await scheduler.step())) throw new Violation("20 converges", "nothing is left to happen");
    steps++;
    world.checkQueues();
    if (found) throw found;
  };
  try {
    world.start();
    while (steps < options.steps) await advance();
    world.heal();
    await converge(advance, world, auditor, () => scheduler.now());
  } catch (error) {
    onViolation(error);
  }
  const end = { steps, events: auditor.events.length, digest: trace.digest() };
  return { ...end, violation: found, story: trace.lines() };
}

type World = ReturnType<typeof compose>;

/** After healing: every request is answered, and every authorization that ran out is released. */
async function converge(
  advance: () => Promise<void>,
  world: World,
  auditor: Auditor,
  now: () => number,
): Promise<void> {
  let left = HEAL_STEPS_MAX;
  while (world.clients.unanswered() > 0) {
    hold(left-- > 0, "20 converges", () => `${world.clients.unanswered()} requests have no answer yet`);
    await advance();
  }
  const until = now() + EXPIRY_US + 5_000_000;
  while (now() < until) await advance();
  const overdue = auditor.overdue(now() - EXPIRY_US);
  hold(overdue === 0, "20 converges", () => `${overdue} authorizations ran out and are still held`);
}

type Surroundings = {
  readonly scheduler: ReturnType<typeof makeScheduler>;
  readonly auditor: Auditor;
  readonly trace: Trace;
  readonly onViolation: (error: unknown) => void;
};

function compose(options: WorldOptions, { scheduler, auditor, trace, onViolation }: Surroundings) {
  const random = randomFrom(options.seed);
  const plant = options.plant ?? nothingPlanted;
  const note = (who: string, what: string) => trace.note(scheduler.now(), who, what);
  const faults = makeFaults(options.faults, random.stream("faults"));
  const store = makeEventStore({
    scheduler,
    random: random.stream("store"),
    faults,
    onAppended: (batch, append) => auditor.appended(batch, append.events),
    note: (what) => note("log", what),
  });
  const shape = random.stream("shape");
  const settings = {
    queueMax: shape.pick([8, 40, 200]),
    batchBytesMax: shape.pick([2_000, 20_000, 900_000]),
    accountsCached: shape.pick([2, 100]),
    flushAt: shape.pick([5, 40, 300]),
  };
  const processes = ["alpha", "beta"].map((name) =>
    makeWriterProcess({
      name,
      scheduler,
      random: random.stream(name),
      faults,
      connect: (owner) =>
        plant.log(
          connectStore({
            store,
            scheduler,
            random: random.stream(`${name} link`),
            faults,
            owner,
            note: (what) => note(name, what),
          }),
        ),
      settings,
      plant,
      note,
    }),
  );
  const delivery = makeDelivery({ auditor, note, onViolation });
  const clients = makeClients({ scheduler, random: random.stream("clients"), faults, auditor, delivery, processes });
  const nemesis = makeNemesis({ scheduler, random: random.stream("nemesis"), faults, store, processes, clients, note });
  return {
    clients,
    checkQueues: delivery.checkQueues,
    start() {
      processes[0]?.start();
      clients.start();
      nemesis.start();
    },
    heal() {
      note("world", "heals");
      nemesis.heal();
      clients.finish();
    },
  };
}
