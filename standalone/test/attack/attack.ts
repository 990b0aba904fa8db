import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { seeded } from "../random.ts";
import { available, type BookLane } from "./books.ts";
import { type AttackClient, makeClient, type Outages, Stuck, Wrong } from "./client.ts";
import { damage, putSnapshot, type Snapshot, type Target, takeSnapshot } from "./damage.ts";
import { checkLog } from "./log-check.ts";
import { misreadings } from "./readings.ts";
import { Died, makeSubject, NoStart, type Subject } from "./subject.ts";
import { makeTemplate, type Template } from "./template.ts";
import { runVerify } from "./verify.ts";

export type Mode = "running" | "stopped";
export type AttackOptions = {
  readonly target: Target;
  readonly mode: Mode;
  readonly rounds: number;
  readonly seed: number;
  /** A folder for copies of the attacked folder, one per finding. */
  readonly keep?: string;
  /** Called from time to time with the progress. */
  readonly onProgress?: (text: string) => void;
};

export type AttackFinding = {
  readonly round: number;
  readonly kind: "wrong" | "died" | "no start" | "stuck";
  readonly damages: readonly string[];
  readonly detail: string;
};

export type AttackReport = {
  readonly findings: readonly AttackFinding[];
  readonly damages: number;
  /**
   * Rounds in which a query of the read models got a wrong answer, until `ledger verify --heal` found and repaired it.
   */
  readonly misread: number;
  /** Those rounds in which the ledger noticed the damage itself before the verification looked. */
  readonly noticed: number;
  /** Events in the logs of all ledgers of the run, read back and summed up. */
  readonly eventsChecked: number;
  readonly outages: Outages;
  /** The messages that the ledger logged, with their counts. */
  readonly messages: ReadonlyMap<string, number>;
};

/** Rounds on one folder before a new copy replaces it, to keep rebuilds short. */
const ROUNDS_PER_COPY = 100;
const STEPS_PER_BURST = 4;
const SNAPSHOTS_KEPT = 4;

/** Attacks the files of a real ledger at random, round by round, while a client that keeps its own books continues. */
export async function attack(options: AttackOptions): Promise<AttackReport> {
  const folder = mkdtempSync(join(tmpdir(), "payledger-attack-"));
  const random = seeded(options.seed);
  const draw = (bound: number) => Math.floor(random() * Math.max(1, bound));
  const run: Run = {
    ...{ options, folder, random, draw, findings: [], messages: new Map(), damages: 0 },
    ...{ misread: 0, noticed: 0, eventsChecked: 0 },
    outages: { refusals: 0, reasons: new Map() },
    template: await makeTemplate(folder, options.target, draw),
  };
  try {
    for (let round = 0; round < options.rounds; ) {
      round = await attackCopy(run, round);
      options.onProgress?.(`${round} of ${options.rounds} rounds, ${run.findings.length} findings`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const { findings, messages, damages, misread, noticed, eventsChecked, outages } = run;
  return { findings, messages, damages, misread, noticed, eventsChecked, outages };
}

type Run = {
  readonly options: AttackOptions;
  readonly folder: string;
  readonly template: Template;
  readonly random: () => number;
  draw(bound: number): number;
  readonly findings: AttackFinding[];
  readonly messages: Map<string, number>;
  readonly outages: Outages;
  damages: number;
  misread: number;
  noticed: number;
  eventsChecked: number;
};

/** A copy of the template, with its books. */
type Copy = {
  readonly subject: Subject;
  readonly lanes: readonly BookLane[];
  readonly client: AttackClient;
  readonly snapshots: Snapshot[];
};

/** Rounds on a new copy until it is time for another, or until a finding; returns the next round. */
async function attackCopy(run: Run, first: number): Promise<number> {
  const { options, template } = run;
  const subject = makeSubject(join(run.folder, `copy-${first}`));
  template.copyTo(subject.data);
  const copy: Copy = {
    subject,
    lanes: structuredClone(template.lanes),
    client: makeClient(subject, template.tokens, run.outages, run.draw),
    snapshots: [...template.snapshots],
  };
  const last = Math.min(options.rounds, first + ROUNDS_PER_COPY);
  let round = first;
  const damages: string[] = [];
  try {
    await subject.start(partOf(options.target));
    for (; round < last; round++) {
      damages.length = 0;
      const before = timesBuiltAnew(subject);
      await (options.mode === "running" ? attackRunning : attackStopped)(run, copy, damages);
      if (options.target === "models") await checkReadings(run, copy, before);
      if (run.draw(10) === 0) keepSnapshot(run, copy);
    }
    if (options.target === "state") {
      await subject.stop();
      await subject.start("whole");
    }
    await checkBalances(copy, run);
    await subject.stop();
    run.eventsChecked += await checkLog(join(subject.data, "events.sqlite"), copy.lanes);
  } catch (error) {
    if (options.keep !== undefined) cpSync(subject.data, join(options.keep, `round-${round}`), { recursive: true });
    const finding: AttackFinding = { round, kind: kindOf(error), damages: [...damages], detail: detailOf(error) };
    run.findings.push(finding);
    options.onProgress?.(tellFinding(finding));
    round++;
  } finally {
    await subject.kill();
    for (const [message, count] of subject.takeMessages()) {
      run.messages.set(message, (run.messages.get(message) ?? 0) + count);
    }
    rmSync(subject.data, { recursive: true, force: true });
  }
  return round;
}

/** Does the damage while commands are in flight; a second burst reads what the first did not. */
async function attackRunning(run: Run, copy: Copy, damages: string[]): Promise<void> {
  const burst = Promise.all(copy.lanes.map((lane) => copy.client.run(lane, STEPS_PER_BURST)));
  // A failure meanwhile surfaces when the burst is awaited.
  burst.catch(() => {});
  await turn();
  doDamage(run, copy, damages);
  await burst;
  await Promise.all(copy.lanes.map((lane) => copy.client.run(lane, STEPS_PER_BURST)));
}

async function attackStopped(run: Run, copy: Copy, damages: string[]): Promise<void> {
  const { subject } = copy;
  const manner = run.draw(10);
  // A copy of the live files is what a crash leaves behind: with a write-ahead log.
  const crashed = manner < 4 ? takeSnapshot(subject.data, run.options.target) : undefined;
  if (manner === 9) await subject.kill();
  else await subject.stop();
  if (crashed) putSnapshot(subject.data, run.options.target, crashed);
  doDamage(run, copy, damages);
  await subject.start(partOf(run.options.target));
  await Promise.all(copy.lanes.map((lane) => copy.client.run(lane, STEPS_PER_BURST)));
}

/** The part of the ledger that a target needs: only the command-service has the decision state. */
function partOf(target: Target): "whole" | "commands" {
  return target === "state" ? "commands" : "whole";
}

function doDamage(run: Run, { subject, snapshots }: Copy, damages: string[]): void {
  const { target, mode } = run.options;
  const place = { dir: subject.data, target, running: mode === "running", random: run.random, snapshots };
  for (let count = 1 + run.draw(3); count > 0; count--) {
    damages.push(damage(place));
    run.damages++;
  }
}

function keepSnapshot(run: Run, { subject, snapshots }: Copy): void {
  snapshots.push(takeSnapshot(subject.data, run.options.target));
  if (snapshots.length > SNAPSHOTS_KEPT) snapshots.splice(run.draw(SNAPSHOTS_KEPT), 1);
}

/** How often a ledger has reported that it rebuilds its read models. */
function timesBuiltAnew(subject: Subject): number {
  return subject.logged(/^models: .*rebuilt/);
}

/**
 * A query need not notice wrong but readable data of the read models; `ledger verify` must find it, and its healing
 * must correct it. The ledger may also notice the damage first, by another query or by a projection, and have rebuilt
 * the file by then. `built`: the number of rebuilds before this round.
 * @throws Wrong
 */
async function checkReadings(run: Run, { subject, lanes, client }: Copy, built: number): Promise<void> {
  const read = async () => (await Promise.all(lanes.map((lane) => misreadings(client, lane, run.draw)))).flat();
  // Missing rows can also look like a poison event: the projection then halts, says so, and is healed the same way.
  const before = await read().catch((error: unknown) => {
    if (error instanceof Stuck) return [error.message];
    throw error;
  });
  if (before.length === 0) return;
  run.misread++;
  const verified = await runVerify(subject.data, true);
  const after = await read();
  if (after.length > 0) throw new Wrong(`after ledger verify --heal (${verified.output}) ${after.join("; ")}`);
  if (!verified.equal) return;
  // Nothing was left to heal: the ledger may have noticed the damage itself.
  if (timesBuiltAnew(subject) > built) run.noticed++;
  else throw new Wrong(`ledger verify finds nothing, and before it, not after it, ${before.join("; ")}`);
}

/** Compares the API's balances with the client's books, for some of the accounts. */
async function checkBalances({ lanes, client }: Copy, run: Run): Promise<void> {
  for (const { shop, wallets } of lanes) {
    for (const wallet of [shop, ...wallets.filter(() => run.draw(10) === 0)]) {
      const told = await client.balances(wallet.id);
      if (told.posted === wallet.posted && told.held === wallet.held) continue;
      const books = `${wallet.posted} posted, ${wallet.held} held, ${available(wallet)} available`;
      throw new Wrong(`${wallet.id} must have ${books}; the API says ${told.posted}, ${told.held}`);
    }
  }
}

export function tellFinding({ round, kind, damages, detail }: AttackFinding): string {
  return `round ${round}, ${kind}: ${detail}\n  after ${damages.join("; ")}`;
}

function kindOf(error: unknown): AttackFinding["kind"] {
  if (error instanceof Died) return "died";
  if (error instanceof NoStart) return "no start";
  if (error instanceof Stuck) return "stuck";
  if (error instanceof Wrong) return "wrong";
  // A log that cannot be read back correctly is as bad as a wrong answer.
  return "wrong";
}

function detailOf(error: unknown): string {
  return error instanceof Wrong || error instanceof Stuck || error instanceof Died || error instanceof NoStart
    ? error.message
    : error instanceof Error
      ? (error.stack ?? error.message)
      : String(error);
}
