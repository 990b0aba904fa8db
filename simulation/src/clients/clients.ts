import type { Micros } from "ledger-core";
import type { Auditor } from "../auditor/auditor.ts";
import type { Faults } from "../faults.ts";
import type { Random } from "../random.ts";
import type { Scheduler } from "../scheduler.ts";
import type { WriterProcess } from "../write-side/writer-process.ts";
import { openings, wish } from "./commands.ts";
import type { CommandDelivery, Settled } from "./delivery.ts";
import { type FloodKind, flood } from "./floods.ts";
import { bulkIntent, bulkQuestion, commandIntent, type Intent } from "./intents.ts";

export type Clients = {
  start(): void;
  /** Makes no new requests; repeats the unanswered ones until each is answered. */
  finish(): void;
  /** Many requests at one moment. */
  burst(): void;
  /** A hostile client's requests at one moment. */
  flood(kind: FloodKind): void;
  unanswered(): number;
};

type ClientsOptions = {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly faults: Faults;
  readonly auditor: Auditor;
  readonly delivery: CommandDelivery;
  readonly processes: readonly WriterProcess[];
  readonly count: number;
};

const TIMEOUT_US = 120_000;
const ATTEMPTS_MAX = 8;

/** All clients of a world. */
type Crowd = ClientsOptions & {
  readonly intents: Intent[];
  finishing: boolean;
  names: number;
  unanswered: number;
};

/** Payers, merchants and operators on a network that loses their requests and answers. */
export function makeClients(options: ClientsOptions): Clients {
  const { scheduler, random, auditor, delivery } = options;
  const crowd: Crowd = { ...options, intents: [], finishing: false, names: 0, unanswered: 0 };

  function loop(): void {
    if (crowd.finishing) return;
    if (auditor.books.accounts.size >= 8) act(crowd);
    scheduler.after(random.between(500, random.chance(0.1) ? 60_000 : 8_000), null, loop);
  }

  return {
    start() {
      for (const { caller, command } of openings(random)) {
        send(crowd, intended(crowd, commandIntent(auditor, caller, command, `k${++crowd.names}`)));
      }
      for (let client = 0; client < options.count; client++) scheduler.after(random.between(5_000, 50_000), null, loop);
    },
    finish() {
      crowd.finishing = true;
      for (const intent of crowd.intents) {
        if (!intent.answered) scheduler.after(random.below(500_000), null, () => send(crowd, intent));
      }
    },
    burst() {
      if (auditor.books.accounts.size < 8) return;
      for (let count = random.between(10, 60); count > 0; count--) act(crowd);
    },
    flood(kind) {
      if (auditor.books.accounts.size < 8) return;
      const { intents: sent, questions } = flood(kind, {
        auditor,
        random,
        now: () => now(crowd),
        name: () => `${++crowd.names}`,
        earlier: crowd.intents.slice(-40),
      });
      for (const intent of sent) send(crowd, intended(crowd, intent));
      for (const question of questions) delivery.ask(question, serving(crowd));
    },
    unanswered: () => crowd.unanswered,
  };
}

/** Clients use the log's time, so that an expiry is in its future. */
function now({ scheduler, auditor }: Crowd): Micros {
  return Math.max(scheduler.now(), auditor.events.at(-1)?.at ?? 0);
}

function intended(crowd: Crowd, intent: Intent): Intent {
  crowd.intents.push(intent);
  crowd.unanswered++;
  return intent;
}

function serving({ processes, random }: Crowd): WriterProcess | undefined {
  const ready = processes.filter(({ writer }) => writer);
  return ready.length > 0 ? random.pick(ready) : undefined;
}

/** A client's next step: usually something new, sometimes a repetition with any mistake that a client can make. */
function act(crowd: Crowd): void {
  const { random, auditor, intents } = crowd;
  const old = intents.length > 0 && random.chance(0.2) ? random.pick(intents.slice(-40)) : undefined;
  if (!old) actAnew(crowd);
  else if (old.what.kind === "command" && random.chance(0.3)) {
    const { command } = wish(random, auditor.books, now(crowd));
    send(crowd, intended(crowd, commandIntent(auditor, old.caller, command, old.key, `${old.name}'`)));
  } else send(crowd, old);
}

function actAnew(crowd: Crowd): void {
  const { random, auditor, delivery, intents } = crowd;
  if (random.chance(0.06)) {
    const bulk = bulkIntent(auditor, random, now(crowd), `b${++crowd.names}`, intents.slice(-40));
    send(crowd, intended(crowd, bulk));
    return;
  }
  const { caller, command } = wish(random, auditor.books, now(crowd));
  if (random.chance(0.05)) {
    const key = `dry${++crowd.names}`;
    const bulk = random.chance(0.3) ? bulkQuestion(auditor, random, now(crowd), key, intents.slice(-40)) : undefined;
    delivery.ask(bulk ?? { caller, key, what: { kind: "command", command } }, serving(crowd));
    return;
  }
  const intent = intended(crowd, commandIntent(auditor, caller, command, `k${++crowd.names}`));
  send(crowd, intent);
  if (random.chance(0.05)) send(crowd, intent);
}

/** One attempt: lost, refused or answered. The client retries until it has its answer. */
function send(crowd: Crowd, intent: Intent): void {
  const { scheduler, random, faults, delivery } = crowd;
  intent.attempts++;
  let open = true;
  const again = (delayUs: number) => {
    if (!open) return;
    open = false;
    forget();
    const gaveUp = !crowd.finishing && (intent.attempts > ATTEMPTS_MAX || random.chance(0.1));
    if (!intent.answered && !gaveUp) scheduler.after(delayUs, null, () => send(crowd, intent));
  };
  const forget = scheduler.after(TIMEOUT_US, null, () => again(0));
  const settle = (outcome: Settled) => {
    if (faults.strikes("client_loss", 0.03)) return;
    scheduler.after(random.between(50, 500), null, () => {
      if (outcome.kind === "failed") again(random.between(5_000, 120_000) * Math.min(8, intent.attempts));
      else {
        forget();
        open = false;
        if (!intent.answered) crowd.unanswered--;
        intent.answered = true;
      }
    });
  };
  if (faults.strikes("client_loss", 0.03)) return;
  scheduler.after(random.between(50, 500), null, () => delivery.deliver(intent, serving(crowd), settle));
}
