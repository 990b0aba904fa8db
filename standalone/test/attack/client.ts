import { setTimeout as delay } from "node:timers/promises";
import { at } from "../json.ts";
import { type BookLane, nextStep, type Step } from "./books.ts";
import type { Subject } from "./subject.ts";

/** The ledger did something that it must never do. */
export class Wrong extends Error {}
/** The ledger refused for longer than any rebuild takes. */
export class Stuck extends Error {}

/** The refusals that a client sees during an outage while it retries. */
export type Outages = { refusals: number; readonly reasons: Map<string, number> };

const PATIENCE_MS = 30_000;
const PAUSE_MS = 40;
const REASONS_EVERY_MS = 200;

export type AttackClient = {
  /**
   * Runs a lane's next commands, one after another, and checks each answer against the books. @throws Wrong, Stuck,
   * Died
   */
  run(lane: BookLane, steps: number): Promise<void>;
  /** A wallet's balances from the API, at the last answered position or later. */
  balances(account: string): Promise<{ posted: bigint; held: bigint }>;
  post(path: string, key: string, body: object): Promise<AttackReply>;
  /** A query at the last answered position or later; as the operator, or as the consumer who owns accounts. */
  get(path: string, owner?: string): Promise<AttackReply>;
};

/** The operator's token, or that of the consumer with this name. */
export type Tokens = (owner?: string) => Promise<string>;

export type AttackReply = { readonly status: number; readonly text: string; readonly body: unknown };

/** A client that retries under the same key until it is answered, as long as the process runs. */
export function makeClient(
  subject: Subject,
  tokens: Tokens,
  outages: Outages,
  draw: (bound: number) => number,
): AttackClient {
  let revision = -1;
  let reasonsAtMs = 0;

  async function once(path: string, init: RequestInit): Promise<AttackReply | undefined> {
    try {
      const response = await fetch(`${subject.url()}${path}`, { ...init, signal: AbortSignal.timeout(PATIENCE_MS) });
      const text = await response.text();
      const position = /^0:(\d+)$/.exec(response.headers.get("ledger-position") ?? "")?.[1];
      if (position !== undefined) revision = Math.max(revision, Number(position));
      return { status: response.status, text, body: parse(text) };
    } catch (error) {
      if (error instanceof Error && error.name === "TimeoutError") throw new Stuck(`no answer to ${path}`);
      return undefined;
    }
  }

  /** Retries until there is an answer other than "not now". */
  async function settle(path: string, init: RequestInit): Promise<AttackReply> {
    const until = performance.now() + PATIENCE_MS;
    for (;;) {
      const reply = await Promise.race([once(path, init), subject.death()]);
      if (reply !== undefined && reply.status !== 503 && !isInProgress(reply)) {
        if (reply.status >= 500) throw new Wrong(`${path} is answered ${reply.status}: ${reply.text}`);
        return reply;
      }
      outages.refusals++;
      if (reply?.status === 503) await noteReasons();
      if (performance.now() > until) throw new Stuck(`${path}: ${reply?.text ?? "no connection"}`);
      await delay(PAUSE_MS);
    }
  }

  /** While the ledger refuses, /readyz must name the part and the reason. */
  async function noteReasons(): Promise<void> {
    if (performance.now() - reasonsAtMs < REASONS_EVERY_MS) return;
    reasonsAtMs = performance.now();
    const reply = await once("/readyz", {});
    if (reply?.status !== 503) return;
    const checks = at(reply.body, "checks");
    for (const check of Array.isArray(checks) ? checks : []) {
      if (at(check, "ready") === true) continue;
      const reason = `${at(check, "name")}: ${String(at(check, "detail")).replace(/\d+/g, "N")}`;
      outages.reasons.set(reason, (outages.reasons.get(reason) ?? 0) + 1);
    }
  }

  async function post(path: string, key: string, body: object): Promise<AttackReply> {
    const authorization = `Bearer ${await tokens()}`;
    const headers = { authorization, "content-type": "application/json", "idempotency-key": key };
    return settle(path, { method: "POST", headers, body: JSON.stringify(body) });
  }

  async function get(path: string, owner?: string): Promise<AttackReply> {
    const headers: Record<string, string> = { authorization: `Bearer ${await tokens(owner)}`, "ledger-wait": "10000" };
    if (revision >= 0) headers["ledger-position"] = `0:${revision}`;
    return settle(path, { headers });
  }

  return {
    post,
    get,
    async run(lane, steps) {
      for (let n = 0; n < steps; n++) {
        const step = nextStep(lane, draw);
        const reply = await post(step.path, step.key, step.body);
        check(step, reply);
        take(lane, step, reply);
      }
    },
    async balances(account) {
      const reply = await get(`/v1/accounts/${account}`);
      const amount = (name: string) => BigInt(String(at(reply.body, "balances", name)));
      if (reply.status !== 200) throw new Wrong(`${account} is answered ${reply.status}: ${reply.text}`);
      return { posted: amount("posted"), held: amount("held") };
    },
  };
}

function check({ path, key, body, expected }: Step, reply: AttackReply): void {
  const { status, code, text } = expected;
  const asExpected =
    reply.status === status &&
    (code === undefined || at(reply.body, "code") === code) &&
    (text === undefined || reply.text === text);
  if (asExpected) return;
  const wanted = text ?? [status, code].filter((part) => part !== undefined).join(" ");
  throw new Wrong(
    `${path} under ${key} with ${JSON.stringify(body)} must be ${wanted}, and is ${reply.status} ${reply.text}`,
  );
}

function take(lane: BookLane, step: Step, reply: AttackReply): void {
  const { path, key, body, expected } = step;
  if (expected.text !== undefined || expected.code === "idempotency_key_reused") return;
  const id = at(reply.body, "id");
  step.book(typeof id === "string" ? id : "");
  lane.answered.push({ path, key, body, status: reply.status, text: reply.text });
}

function isInProgress(reply: AttackReply): boolean {
  return reply.status === 409 && at(reply.body, "code") === "idempotency_key_in_progress";
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
