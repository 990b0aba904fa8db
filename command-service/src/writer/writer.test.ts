import { rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { frameEvent, idBody, makeId, oldPrint } from "ledger-core";
import { EventFrames, type EventLog } from "ledger-core/event-log";
import { systemRuntime } from "ledger-core/process";
import { describe, expect, test } from "vitest";
import { fingerprint } from "../fingerprint.ts";
import { readRootSql } from "../state/pages.ts";
import { decodeRoot } from "../state/state-root.ts";
import { allEvents, bulkItem, eventOf, HKD, openAccount, operator, payment, writerFixture } from "./writer.fixture.ts";

describe("answers and keys", () => {
  test("fifty equal commands at once under one key are one event and fifty equal answers", async () => {
    const ledger = await writerFixture();
    const writer = await ledger.start();
    const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")];
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => ledger.send(writer, payment(from, to, 5n), "same")),
    );
    expect(new Set(answers.map((answer) => eventOf(answer).id)).size).toBe(1);
    expect(answers.filter((answer) => answer.kind === "recorded" && !answer.replayed)).toHaveLength(1);
    expect((await allEvents(ledger.log)).filter((event) => event.fact.type === "PaymentCharged")).toHaveLength(1);
  });

  test("a key used with another command is refused and nothing is appended", async () => {
    const ledger = await writerFixture();
    const writer = await ledger.start();
    const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")];
    await ledger.send(writer, payment(from, to, 5n), "k");
    const head = await ledger.log.head(0);
    const other = await ledger.send(writer, payment(from, to, 6n), "k");
    expect(other).toMatchObject({ kind: "refused", rejection: { code: "idempotency_key_reused" } });
    expect(await ledger.log.head(0)).toBe(head);
    const stranger = await ledger.send(writer, payment(from, to, 6n), "k", { ...operator, sub: "another" });
    expect(stranger).toMatchObject({ kind: "recorded", replayed: false });
  });

  test("an answer read back from the log equals the answer that was given", async () => {
    const ledger = await writerFixture();
    const writer = await ledger.start();
    const from = await ledger.open(writer, "a", 0n);
    const to = await ledger.open(writer, "b");
    const topUp = {
      type: "TopUpAccount",
      account: from,
      amount: 700n,
      currency: HKD,
      rail: "fps",
      externalId: "x",
    } as const;
    const commands = [topUp, payment(from, to, 5n, { metadata: { a: "1" } }), payment(from, to, 5000n)];
    const first = [];
    for (const [i, command] of commands.entries()) first.push(eventOf(await ledger.send(writer, command, `c${i}`)));
    await writer.stop();
    const again = await ledger.start();
    for (const [i, command] of commands.entries()) {
      expect(await ledger.send(again, command, `c${i}`)).toEqual({ kind: "recorded", event: first[i], replayed: true });
    }
    expect(first[2]?.fact).toMatchObject({ type: "PaymentDeclined", code: "insufficient_funds" });
  });

  test("a plain payment's event holds the whole command, to compare a repeat with; others have a print", async () => {
    const ledger = await writerFixture();
    const writer = await ledger.start();
    const [from, to] = [await ledger.open(writer, "a", -1000n), await ledger.open(writer, "b", -1000n)];
    const command = payment(from, to, 5n, { reference: "r", metadata: { a: "1", b: "2" } });
    const event = eventOf(await ledger.send(writer, command, "k"));
    expect(event.origin.print).toBe("0".repeat(32));
    const same = { ...command, metadata: { b: "2", a: "1" } };
    expect(await ledger.send(writer, same, "k")).toEqual({ kind: "recorded", event, replayed: true });
    const manual = { ...command, capture: "manual" as const };
    const expiring = { ...command, expiresAt: event.at + 60_000_000 };
    const others = [
      { ...command, payer: to, payee: from },
      { ...command, amount: 6n },
      { ...command, reference: null },
      { ...command, reference: "" },
      { ...command, metadata: { a: "1" } },
      manual,
      expiring,
      openAccount("c"),
    ];
    const reused = { kind: "refused", rejection: { code: "idempotency_key_reused" } };
    for (const other of others) expect(await ledger.send(writer, other, "k")).toMatchObject(reused);
    const printed = [{ ...command, amount: 10_000n }, manual, expiring];
    for (const [i, one] of printed.entries()) {
      const answer = eventOf(await ledger.send(writer, one, `p${i}`));
      expect(answer.origin.print).toBe(fingerprint(one));
      expect(await ledger.send(writer, one, `p${i}`)).toEqual({ kind: "recorded", event: answer, replayed: true });
      expect(await ledger.send(writer, { ...one, reference: "other" }, `p${i}`)).toMatchObject(reused);
    }
  });

  test("an event from before cryptographic prints answers the command that it was made for, and no other", async () => {
    const ledger = await writerFixture();
    const writer = await ledger.start();
    const [from, to] = [await ledger.open(writer, "a", 0n), await ledger.open(writer, "b")];
    const command = payment(from, to, 5n);
    const declined = eventOf(await ledger.send(writer, command, "new"));
    await writer.stop();
    const revision = (await ledger.log.head(0)) + 1;
    const id = makeId("evt", idBody(declined.at, { shard: 0, revision }, 1));
    const origin = { ...declined.origin, key: "old", print: fingerprint(command, oldPrint) };
    const frames = new EventFrames();
    frameEvent(frames, { ...declined, id, revision, origin });
    await ledger.log.append(0, revision - 1, frames);
    const again = await ledger.start();
    expect(await ledger.send(again, command, "old")).toMatchObject({ kind: "recorded", replayed: true, event: { id } });
    const other = await ledger.send(again, payment(from, to, 6n), "old");
    expect(other).toMatchObject({ kind: "refused", rejection: { code: "idempotency_key_reused" } });
  });

  test("a 404 keeps no key: the same key works once the account is there", async () => {
    const ledger = await writerFixture();
    const writer = await ledger.start();
    const from = await ledger.open(writer, "a", null);
    const absent = `${from.slice(0, -1)}${from.endsWith("z") ? "y" : "z"}` as typeof from;
    const head = await ledger.log.head(0);
    const answer = await ledger.send(writer, payment(from, absent, 5n), "k");
    expect(answer).toMatchObject({ kind: "refused", rejection: { code: "account_not_found" } });
    expect(await ledger.log.head(0)).toBe(head);
    const to = await ledger.open(writer, "b");
    expect(await ledger.send(writer, payment(from, to, 5n), "k")).toMatchObject({ kind: "recorded", replayed: false });
  });

  test("a dry run decides and appends nothing", async () => {
    const ledger = await writerFixture();
    const writer = await ledger.start();
    const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")];
    const head = await ledger.log.head(0);
    const dry = eventOf(await writer.dryRun({ caller: operator, key: "k", command: payment(from, to, 5n) }));
    expect(dry.fact).toMatchObject({ type: "PaymentCharged", payment: { amount: 5n } });
    expect(await ledger.log.head(0)).toBe(head);
    const real = eventOf(await ledger.send(writer, payment(from, to, 5n), "k"));
    expect(real.id).not.toBe(dry.id);
    expect(real.fact).toMatchObject({ postings: [{ balance: -5n }, { balance: 5n }] });
  });
});

describe("payments over time", () => {
  test("captures and refunds find their payment after its state left memory", async () => {
    const ledger = await writerFixture({ flushAt: 1 });
    const writer = await ledger.start();
    const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")];
    const held = eventOf(await ledger.send(writer, payment(from, to, 100n, { capture: "manual" })));
    const charged = eventOf(await ledger.send(writer, payment(from, to, 50n)));
    await writer.stop();
    const again = await ledger.start({ flushAt: 1 });
    if (!("payment" in held.fact) || typeof held.fact.payment === "string") throw new Error(held.fact.type);
    if (!("payment" in charged.fact) || typeof charged.fact.payment === "string") throw new Error(charged.fact.type);
    const capture = { type: "CapturePayment", payment: held.fact.payment.id, amount: 40n, final: true } as const;
    expect(eventOf(await ledger.send(again, capture)).fact).toMatchObject({ type: "PaymentCaptured", released: 60n });
    const refund = { type: "RefundPayment", payment: charged.fact.payment.id, amount: 20n, reason: null } as const;
    expect(eventOf(await ledger.send(again, refund)).fact).toMatchObject({ type: "PaymentRefunded", amount: 20n });
    const rest = { ...refund, amount: null };
    expect(eventOf(await ledger.send(again, rest)).fact).toMatchObject({ type: "PaymentRefunded", amount: 30n });
  });

  test("an authorization expires by itself, also one that was made before a restart", async () => {
    let now = 1_800_000_000_000_000;
    const ledger = await writerFixture({ runtime: { ...systemRuntime, now: () => now } });
    const writer = await ledger.start();
    const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")];
    await ledger.send(writer, payment(from, to, 100n, { capture: "manual", expiresAt: now + 1000 }));
    await writer.stop();
    now += 2000;
    const seen = ledger.log.subscribe(0, (await ledger.log.head(0)) + 1, AbortSignal.timeout(20_000));
    await ledger.start({ expiryEveryMs: 5 });
    for await (const delivery of seen) {
      if (delivery.kind === "events" && delivery.events.some((event) => event.type === "PaymentExpired")) break;
    }
    const expired = (await allEvents(ledger.log)).filter((event) => event.fact.type === "PaymentExpired");
    expect(expired).toHaveLength(1);
    expect(expired[0]).toMatchObject({
      origin: { tenant: "t1", key: null },
      fact: { released: 100n, hold: { held: 0n } },
    });
  });

  test("an authorization expires under load that never lets the writer rest", async () => {
    let resting = false;
    const ledger = await writerFixture({ expiryEveryMs: 0 });
    const ticks: (() => void)[] = [];
    const every = (_ms: number, task: () => void) => {
      ticks.push(task);
      return () => {};
    };
    const append: EventLog["append"] = async (...batch) => {
      // The timer fires during every append, and never between two of them.
      for (const tick of ticks) tick();
      return ledger.log.append(...batch);
    };
    const log = { ...ledger.log, append };
    const writer = await ledger.start({ log, runtime: { ...systemRuntime, every }, expiryEveryMs: 1000 });
    const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")];
    const expiresAt = systemRuntime.now() + 50_000;
    await ledger.send(writer, payment(from, to, 100n, { capture: "manual", expiresAt }));
    const seen = ledger.log.subscribe(0, 0, AbortSignal.timeout(20_000));
    const load = (async () => {
      while (!resting) await ledger.send(writer, payment(from, to, 1n));
    })();
    for await (const delivery of seen) {
      if (delivery.kind === "events" && delivery.events.some((event) => event.type === "PaymentExpired")) break;
    }
    resting = true;
    await load;
    expect((await allEvents(ledger.log)).filter((event) => event.fact.type === "PaymentExpired")).toHaveLength(1);
  });

  test("an authorization expires by log time, though the clock was set back since", async () => {
    let now = 1_800_000_000_000_000;
    const ledger = await writerFixture({ runtime: { ...systemRuntime, now: () => now }, expiryEveryMs: 5 });
    const writer = await ledger.start();
    const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")];
    await ledger.send(writer, payment(from, to, 100n, { capture: "manual", expiresAt: now + 60_000_000 }));
    const seen = ledger.log.subscribe(0, await ledger.log.head(0), AbortSignal.timeout(20_000));
    const ahead = 3_600_000_000;
    now += ahead;
    const sent = ledger.send(writer, payment(from, to, 1n));
    await sent;
    now -= ahead;
    for await (const delivery of seen) {
      if (delivery.kind === "events" && delivery.events.some((event) => event.type === "PaymentExpired")) break;
    }
    const expired = (await allEvents(ledger.log)).find((event) => event.fact.type === "PaymentExpired");
    expect(expired?.at).toBeGreaterThanOrEqual(eventOf(await sent).at);
  });

  test("log time never goes back when the clock does", async () => {
    let now = 1_800_000_000_000_000;
    const ledger = await writerFixture({ runtime: { ...systemRuntime, now: () => now } });
    const writer = await ledger.start();
    await ledger.open(writer, "a");
    now -= 3_600_000_000;
    await ledger.open(writer, "b");
    const times = (await allEvents(ledger.log)).map((event) => event.at);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times).toHaveLength(3);
  });
});

describe("the state file", () => {
  test("may be deleted: it is rebuilt and gives the same answers", async () => {
    const ledger = await writerFixture({ flushAt: 10 });
    const writer = await ledger.start();
    const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")];
    for (let i = 0; i < 100; i++) await ledger.send(writer, payment(from, to, 1n), `p${i}`);
    await writer.stop();
    for (const suffix of ["", "-wal", "-shm"]) rmSync(ledger.stateFile + suffix, { force: true });
    const replays: string[] = [];
    const again = await ledger.start({ onReplay: (progress) => replays.push(progress.kind) });
    expect(replays).toEqual(["replayed"]);
    expect(await ledger.send(again, payment(from, to, 1n), "p7")).toMatchObject({ kind: "recorded", replayed: true });
    const next = eventOf(await ledger.send(again, payment(from, to, 1n)));
    expect(next.fact).toMatchObject({ postings: [{ balance: -101n }, { balance: 101n }] });
  });

  test("of another log is discarded, and so is a damaged one", async () => {
    const [one, two] = [await writerFixture(), await writerFixture()];
    const writer = await one.start();
    await one.open(writer, "a");
    await writer.stop();
    const told: string[] = [];
    const other = await two.start({ stateFile: one.stateFile, onReplay: (progress) => told.push(progress.kind) });
    expect(told).toContain("discarded");
    expect(eventOf(await two.send(other, openAccount("x"))).revision).toBe(1);
  });

  test("keeps up with any load: the unwritten changes are bounded", async () => {
    let elapsed = 0;
    const elapsedMs = () => {
      elapsed += 1;
      return elapsed;
    };
    const ledger = await writerFixture({ flushAt: 50, runtime: { ...systemRuntime, elapsedMs } });
    const writer = await ledger.start();
    const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")];
    for (let bulk = 0; bulk < 30; bulk++) {
      const items = Array.from({ length: 1000 }, (_, i) => bulkItem(`${bulk}.${i}`, payment(from, to, 1n)));
      await writer.submitBulk({ caller: operator, key: `bulk-${bulk}`, mode: "each", items, print: "x" });
    }
    const file = new DatabaseSync(ledger.stateFile, { readOnly: true });
    const written = decodeRoot(file.prepare(readRootSql).get()?.data as Uint8Array).stand.revision;
    file.close();
    // At most the two bulks of the flush in progress, and the one that reached the bound meanwhile.
    expect((await ledger.log.head(0)) - written).toBeLessThanOrEqual(3 * 1001);
  });

  test("a restart replays only what came after it", async () => {
    const ledger = await writerFixture();
    const writer = await ledger.start();
    const from = await ledger.open(writer, "a", null);
    const to = await ledger.open(writer, "b");
    for (let i = 0; i < 20; i++) await ledger.send(writer, payment(from, to, 1n));
    await writer.stop();
    const told: string[] = [];
    await ledger.start({ onReplay: (progress) => told.push(progress.detail) });
    expect(told).toEqual([]);
  });
});
