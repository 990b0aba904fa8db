import type { AccountId, Caller, LedgerEvent, PaymentId } from "ledger-core";
import { decodeEvent } from "ledger-core";
import type { EventLog } from "ledger-core/event-log";
import { systemRuntime } from "ledger-core/process";
import { expect, test } from "vitest";
import { accountOf, bulkItem, eventOf, openAccount, payment, writerFixture } from "./writer.fixture.ts";

type Ledger = Awaited<ReturnType<typeof writerFixture>>;
type Writer = Awaited<ReturnType<Ledger["start"]>>;

const SECOND_US = 1_000_000;

/** A clock that is set by hand. */
function clockAt(start: number) {
  const clock = { now: start, runtime: { ...systemRuntime, now: () => clock.now } };
  return clock;
}

function operatorOf(tenant: string): Caller {
  return { tenant, role: "operator", sub: `op-${tenant}` };
}

async function pairOf(ledger: Ledger, writer: Writer, tenant: string): Promise<[AccountId, AccountId]> {
  const open = async (owner: string) =>
    accountOf(await ledger.send(writer, openAccount(owner, null), `open-${owner}`, operatorOf(tenant)));
  return [await open("payer"), await open("payee")];
}

/** Authorizes `count` payments that expire at a given time. */
async function hold(
  writer: Writer,
  tenant: string,
  [from, to]: [AccountId, AccountId],
  count: number,
  expiresAt: number,
) {
  for (let done = 0; done < count; done += 1000) {
    const items = Array.from({ length: Math.min(1000, count - done) }, (_, index) =>
      bulkItem(`hold-${expiresAt}-${done + index}`, payment(from, to, 1n, { capture: "manual", expiresAt })),
    );
    const key = `holds-${expiresAt}-${done}`;
    const answer = await writer.submitBulk({ caller: operatorOf(tenant), key, mode: "each", items, print: key });
    expect(answer).toMatchObject({ kind: "recorded" });
  }
}

/** Resolves once `count` authorizations have expired, with their events in log order. */
async function expiries(log: EventLog, count: number): Promise<LedgerEvent[]> {
  const expired: LedgerEvent[] = [];
  const stop = new AbortController();
  for await (const delivery of log.subscribe(0, 0, stop.signal)) {
    for (const stored of delivery.kind === "events" ? delivery.events : []) {
      const event = decodeEvent(stored);
      if (event.fact.type === "PaymentExpired") expired.push(event);
    }
    if (expired.length >= count) stop.abort();
  }
  return expired;
}

function paymentsOf(events: readonly LedgerEvent[]): Set<PaymentId> {
  return new Set(
    events.map(({ fact }) => ("payment" in fact && typeof fact.payment !== "string" ? fact.payment.id : never())),
  );
}

function never(): never {
  throw new Error("an expiry without a payment");
}

test.each([
  { holds: 3000, dueMax: 1000, releasesMax: 50 },
  { holds: 1200, dueMax: 500, releasesMax: 500 },
  { holds: 40, dueMax: 3, releasesMax: 2 },
  { holds: 12, dueMax: 1, releasesMax: 1 },
])(
  "$holds holds that end at once are all released, though no flush comes between ($dueMax at a time)",
  async (scene) => {
    const { holds, ...limits } = scene;
    const clock = clockAt(systemRuntime.now());
    const ledger = await writerFixture({ runtime: clock.runtime });
    const first = await ledger.start();
    await hold(first, "t1", await pairOf(ledger, first, "t1"), holds, clock.now + 60 * SECOND_US);
    await first.stop();

    clock.now += 60 * SECOND_US;
    await ledger.start({ expiryEveryMs: 5, ...limits });
    const expired = await expiries(ledger.log, holds);
    expect(paymentsOf(expired).size).toBe(holds);
  },
);

test("holds in the tail are released together with those in the file", async () => {
  const clock = clockAt(systemRuntime.now());
  const ledger = await writerFixture({ runtime: clock.runtime });
  const first = await ledger.start();
  const pair = await pairOf(ledger, first, "t1");
  await hold(first, "t1", pair, 20, clock.now + 60 * SECOND_US);
  await first.stop();
  const second = await ledger.start({ expiryEveryMs: 5, dueMax: 4, releasesMax: 3 });
  await hold(second, "t1", pair, 30, clock.now + 50 * SECOND_US);

  clock.now += 60 * SECOND_US;
  expect(paymentsOf(await expiries(ledger.log, 50)).size).toBe(50);
});

test("a tenant's one hold does not wait for the thousands of another that ended before it", async () => {
  const clock = clockAt(systemRuntime.now());
  const ledger = await writerFixture({ runtime: clock.runtime });
  const first = await ledger.start();
  await hold(first, "large", await pairOf(ledger, first, "large"), 2000, clock.now + 50 * SECOND_US);
  await hold(first, "small", await pairOf(ledger, first, "small"), 1, clock.now + 60 * SECOND_US);
  await first.stop();

  clock.now += 60 * SECOND_US;
  await ledger.start({ expiryEveryMs: 5, dueMax: 20, releasesMax: 10 });
  const expired = await expiries(ledger.log, 2001);
  expect(expired.findIndex(({ origin }) => origin.tenant === "small")).toBeLessThan(20);
});

test("a client's command finds its place between the first of thousands of releases", async () => {
  const clock = clockAt(systemRuntime.now());
  const ledger = await writerFixture({ runtime: clock.runtime });
  const first = await ledger.start();
  const pair = await pairOf(ledger, first, "t1");
  await hold(first, "t1", pair, 3000, clock.now + 60 * SECOND_US);
  await first.stop();

  clock.now += 60 * SECOND_US;
  let tick = () => {};
  const every = (_ms: number, task: () => void) => {
    tick = task;
    return () => {};
  };
  const runtime = { ...clock.runtime, every };
  const writer = await ledger.start({ runtime, expiryEveryMs: 1000, releasesMax: 50, queueMax: 1 });
  tick();
  const answer = await ledger.send(writer, payment(...pair, 1n), "paid", operatorOf("t1"));
  const expired = await expiries(ledger.log, 3000);
  const before = expired.filter(({ revision }) => revision < eventOf(answer).revision);
  expect(before.length).toBeLessThanOrEqual(50);
});
