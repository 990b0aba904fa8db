import type { AccountId, Caller, PaymentId, Revision } from "ledger-core";
import type { Auditor } from "../auditor/auditor.ts";
import { mustHold } from "../auditor/violation.ts";
import type { Faults } from "../faults.ts";
import type { Plant } from "../plant.ts";
import type { Random } from "../random.ts";
import type { Scheduler } from "../scheduler.ts";
import type { QueryEdge } from "./edge.ts";
import { misused, oddQuery } from "./odd-questions.ts";
import { fields } from "./pages.ts";
import {
  askAccount,
  askAccounts,
  askBalance,
  askEntries,
  askPayment,
  askPayments,
  type ReadQuestion,
} from "./questions.ts";
import { askRecommendations, askSession } from "./view-questions.ts";

type ReadersOptions = {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly faults: Faults;
  readonly auditor: Auditor;
  readonly edge: QueryEdge;
  readonly plant: Plant;
  readonly note: (what: string) => void;
  readonly onViolation: (violation: unknown) => void;
};

const PAGES_MAX = 4;

/** An app's user who looks at what it just did: one request at a time, with the position of its last command. */
export function makeReaders(options: ReadersOptions): { start(): void } {
  const { scheduler, random, faults, note } = options;

  function loop(): void {
    const pauseUs = faults.healed ? 2_000_000 : random.between(500, 12_000);
    scheduler.after(pauseUs, null, async () => {
      const next = question(options);
      try {
        if (next) await ask(options, next);
        if (next && faults.strikes("position_flood", 0.02)) await swamp(options, next);
        if (next && faults.strikes("odd_query", 0.1)) await refuses(options, oddQuery(next, random));
      } catch (violation) {
        options.onViolation(violation);
        note(`asks ${next?.path}`);
      }
      loop();
    });
  }
  return { start: loop };
}

function question(options: ReadersOptions): ReadQuestion | undefined {
  const { random, auditor } = options;
  const { books, history, events } = auditor;
  const accounts = [...books.accounts.values()];
  const payments = [...books.payments.values()];
  if (accounts.length === 0 || payments.length === 0) return undefined;
  const account = random.pick(accounts);
  const { tenant, owner } = account;
  const operator: Caller = { tenant, role: "operator", sub: "reader" };
  const caller: Caller = random.chance(0.5) ? operator : { tenant, role: "consumer", sub: owner };
  switch (random.below(9)) {
    case 0:
      return askAccount(history, caller, account.id);
    case 1:
      return askBalance(history, caller, account.id, random.below(events.length));
    case 2:
    case 3:
      return askEntries(history, caller, account, random);
    case 4:
      return askSession(books, history, account);
    case 5:
      return askRecommendations(books, history, caller, account.id);
    case 6: {
      const payment = random.pick(payments.slice(-30));
      return askPayment(history, { ...operator, tenant: payment.tenant }, payment.id);
    }
    case 7:
      return askAccounts(books, history, caller, random);
    default: {
      // Read when the answer is there: meanwhile the owner may have opened another account and paid from it.
      const isOwn = (id: AccountId) => {
        const one = books.accounts.get(id);
        return one?.tenant === tenant && one.owner === owner;
      };
      const asked = random.chance(0.3) ? account.id : undefined;
      const mine = (id: PaymentId) => {
        const payment = books.payments.get(id);
        if (payment?.tenant !== tenant) return false;
        if (asked !== undefined) return payment.payer === asked || payment.payee === asked;
        return caller.role === "operator" || isOwn(payment.payer) || isOwn(payment.payee);
      };
      return askPayments(history, { caller, account: asked, mine }, random);
    }
  }
}

function get(options: ReadersOptions, caller: Caller, url: string, headers: Readonly<Record<string, string>> = {}) {
  const { scheduler, edge, plant } = options;
  const reply = edge.get(caller, url, plant.headers(headers)).then((sent) => plant.reply(url, sent));
  return scheduler.settled(reply);
}

/** A query that the API must refuse with its own error: neither with a page nor an empty list. */
async function refuses(
  options: ReadersOptions,
  { caller, path }: Pick<ReadQuestion, "caller" | "path">,
): Promise<void> {
  const { note } = options;
  const { status, body } = await get(options, caller, path);
  note(`${path} in vain: ${status}`);
  mustHold(
    status === 400,
    "19 refused as declared",
    () => `${path} is answered with ${status} ${JSON.stringify(body)}`,
  );
}

/**
 * Starts many concurrent waits for a position that never comes: each must be refused in time, while other callers are
 * answered.
 */
async function swamp(options: ReadersOptions, { caller, path }: ReadQuestion): Promise<void> {
  const { scheduler, random, auditor, edge, note } = options;
  const waitMs = random.pick([0, 50, 300]);
  const headers = { "ledger-position": `0:${auditor.events.length + 1_000_000}`, "ledger-wait": `${waitMs}` };
  const waiting = Array.from({ length: random.between(2, 40) }, () => edge.get(caller, path, headers));
  const others = { ...caller, role: "operator" as const, sub: "another" };
  const other = edge.get(others, "/v1/accounts?limit=1", { "ledger-wait": "0" });
  const replies = await scheduler.settled(Promise.all([other, ...waiting]));
  note(`${path} waits ${waitMs} in ${waiting.length}: ${replies.map(({ status }) => status)}`);
  const [answered, ...refused] = replies;
  const crowded = ["overloaded", "too_many_requests"].includes(String(fields(answered.body, "code")[0]));
  mustHold(!crowded, "11 refused alone", () => `another caller is answered with ${answered.status}`);
  const told = refused.every(({ status }) => status === 503 || status === 429);
  mustHold(
    told,
    "9 never older",
    () => `a position ahead of the log is answered with ${refused.map((one) => one.status)}`,
  );
}

/** Reads a list to its end or up to a page limit; every page must be at the position asked for or later. */
async function ask(options: ReadersOptions, { caller, path, check }: ReadQuestion): Promise<void> {
  const { scheduler, random, faults, auditor, note } = options;
  let cursor: string | undefined;
  let after: string | undefined;
  let before: Revision = -1;
  /** The revision that created an object found absent; a request with it must find the object. */
  let wanted: Revision | undefined;
  for (let pages = 0; pages < PAGES_MAX; pages++) {
    // Most next pages are requested by their cursor alone.
    const recent: Revision = Math.max(0, auditor.events.length - 1 - random.below(30));
    const asked = wanted ?? (random.chance(pages === 0 ? 0.7 : 0.2) ? recent : -1);
    const waitMs = random.pick([0, 0, 100, 1000]);
    const began = scheduler.now();
    const headers = { ...(asked >= 0 ? { "ledger-position": `0:${asked}` } : {}), "ledger-wait": `${waitMs}` };
    const url = cursor === undefined ? path : `${path}&cursor=${encodeURIComponent(cursor)}`;
    const { status, position, body } = await get(options, caller, url, headers);
    const waited = (scheduler.now() - began) / 1000;
    note(`${path} from ${asked} waits ${waitMs}: ${status} ${position}`);
    if (status === 503) {
      mustHold(waited >= waitMs, "9 waits as asked", () => `gave up after ${waited} of ${waitMs} ms`);
      return;
    }
    if (status === 404) {
      wanted = absent(options, asked, path);
      continue;
    }
    mustHold(
      status === 200,
      "19 declared failures",
      () => `${path} is answered with ${status} ${JSON.stringify(body)}`,
    );
    const revision = Number(position.slice(2));
    mustHold(
      position.startsWith("0:") && revision >= asked,
      "9 never older",
      () => `${asked} was asked for, ${position} is served`,
    );
    mustHold(revision >= before, "9 never older", () => `a page is of ${revision}, the one before of ${before}`);
    before = revision;
    after = check(body, revision, after);
    const next = typeof body === "object" && body !== null && "nextCursor" in body ? body.nextCursor : null;
    if (typeof next !== "string") return;
    cursor = next;
    if (faults.strikes("cursor_misuse", 0.6)) await refuses(options, misused(caller, path, cursor, random));
  }
}

/** An object may be absent, unless the position asked for includes its creation. */
function absent(options: ReadersOptions, asked: Revision, path: string): Revision {
  const { auditor } = options;
  const id = /(acct|pay)_[a-z0-9]{26}/.exec(path)?.[0] ?? "";
  const made = auditor.events.findIndex(({ id: event }) => event.slice(-26) === id.slice(-26));
  mustHold(asked < made, "9 never older", () => `${id} of ${made} is not there at ${asked}`);
  return made;
}
