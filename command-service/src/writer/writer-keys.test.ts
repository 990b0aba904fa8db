import { oldPrint, type Revision } from "ledger-core";
import type { EventLog } from "ledger-core/event-log";
import { describe, expect, test } from "vitest";
import { DecisionState } from "../state/decision-state.ts";
import type { KeyPlace } from "../state/keys/known-keys.ts";
import { equalHashKeys } from "./equal-hashes.fixture.ts";
import { allEvents, bulkItem, eventOf, operator, payment, writerFixture } from "./writer.fixture.ts";
import { writerSeams } from "./writer-seams.ts";

/** No memory for filters, so that every key is looked up on disk. */
const unfiltered = { flushAt: 50, keys: { filterBytes: 0, entriesPerBlock: 7, partKeys: 100 } };

/** Wraps a log and counts how often it is read. */
function countedReads() {
  const reads = {
    count: 0,
    wrap(log: EventLog): EventLog {
      return Object.assign(Object.create(log), {
        read(...order: Parameters<EventLog["read"]>) {
          reads.count++;
          return log.read(...order);
        },
      });
    },
  };
  return reads;
}

describe("keys that memory cannot tell", () => {
  test("are read for a whole batch at once, with the usual answers", async () => {
    let [loads, loaded] = [0, 0];
    class Counted extends DecisionState {
      override loadKeys(places: readonly KeyPlace[]): Promise<void> {
        loads++;
        loaded += places.length;
        return super.loadKeys(places);
      }
    }
    const seams = {
      ...writerSeams,
      openState: (options: ConstructorParameters<typeof Counted>[0]) => new Counted(options),
    };
    const ledger = await writerFixture({ ...unfiltered, seams });
    const writer = await ledger.start();
    const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")];
    const items = Array.from({ length: 600 }, (_, n) => bulkItem(`item-${n}`, payment(from, to, 1n)));
    const bulk = { caller: operator, key: "first", mode: "each", items, print: "x" } as const;
    await writer.submitBulk(bulk);
    await writer.stop();
    const again = await ledger.start();
    [loads, loaded] = [0, 0];
    for (const mode of ["each", "atomic"] as const) {
      const answer = await again.submitBulk({ ...bulk, key: `again-${mode}`, mode });
      expect(answer).toMatchObject({ kind: "recorded", replayed: false });
    }
    expect(await again.dryRunBulk({ ...bulk, key: "tried" })).toMatchObject({ kind: "recorded" });
    expect(loaded).toBeGreaterThan(1800);
    expect(loads).toBeLessThan(20);
    const singles = await Promise.all(
      Array.from({ length: 100 }, (_, n) =>
        ledger.send(again, payment(from, to, 1n), n < 50 ? `item-${n}` : `new-${n}`),
      ),
    );
    expect(singles.map((answer) => answer.kind === "recorded" && answer.replayed)).toEqual(
      singles.map((_, n) => n < 50),
    );
    const charged = (await allEvents(ledger.log)).filter(({ fact }) => fact.type === "PaymentCharged");
    expect(charged).toHaveLength(650);
  });

  test("damage found while they are read: the shard steps down, is rebuilt, and books nothing twice", async () => {
    let damaged = false;
    const discarded: string[] = [];
    let serves = () => {};
    const seams = {
      ...writerSeams,
      openStateFile(...order: Parameters<typeof writerSeams.openStateFile>) {
        const file = writerSeams.openStateFile(...order);
        const read: typeof file.keyStorage.read = async (...place) => {
          const bytes = await file.keyStorage.read(...place);
          return damaged ? bytes.map((byte) => byte ^ 1) : bytes;
        };
        return { ...file, keyStorage: { ...file.keyStorage, read } };
      },
      discardStateFile(...order: Parameters<typeof writerSeams.discardStateFile>) {
        damaged = false;
        return writerSeams.discardStateFile(...order);
      },
    };
    const onDiscarded = ({ why }: { readonly why: string }) => discarded.push(why);
    const onReadiness = ({ ready }: { readonly ready: boolean }) => ready && serves();
    const ledger = await writerFixture({ ...unfiltered, seams, onDiscarded, onReadiness });
    const writer = await ledger.start();
    const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")];
    const first = eventOf(await ledger.send(writer, payment(from, to, 1n), "used"));
    await writer.stop();
    const restarted = await ledger.start();
    const served = new Promise<void>((resolve) => (serves = resolve));
    damaged = true;
    await expect(ledger.send(restarted, payment(from, to, 1n), "used")).rejects.toMatchObject({ code: "not_ready" });
    await served;
    expect(discarded).toEqual([expect.stringContaining("does not match its checksum")]);
    const again = await ledger.send(restarted, payment(from, to, 1n), "used");
    expect(again).toEqual({ kind: "recorded", event: first, replayed: true });
  });
});

test("keys with the same hash cost no more than their share: the matching events are read together", async () => {
  const reads = countedReads();
  class Colliding extends DecisionState {
    override findKey(...key: Parameters<DecisionState["findKey"]>): readonly Revision[] | undefined {
      const found = super.findKey(...key);
      const others = Array.from({ length: Math.max(0, this.settledAt - 1) }, (_, n) => n + 1);
      return found && [...found, ...others];
    }
  }
  const seams = {
    ...writerSeams,
    openState: (options: ConstructorParameters<typeof Colliding>[0]) => new Colliding(options),
  };
  const ledger = await writerFixture({ seams, wrap: reads.wrap });
  const writer = await ledger.start();
  const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")];
  const bulk = async (name: string) => {
    const items = Array.from({ length: 200 }, (_, n) => bulkItem(`${name}-${n}`, payment(from, to, 1n)));
    await writer.submitBulk({ caller: operator, key: name, mode: "each", items, print: "x" });
  };
  await bulk("one");
  reads.count = 0;
  await bulk("other");
  expect(reads.count).toBeLessThan(50);
  reads.count = 0;
  await ledger.send(writer, payment(from, to, 1n), "single");
  expect(reads.count).toBeLessThan(10);
});

test("keys made to meet under the hash of old are keys like any others", async () => {
  const reads = countedReads();
  const keys = equalHashKeys(operator.tenant, operator.sub);
  const hashes = new Set(keys.map((key) => oldPrint(`${operator.tenant}\n${operator.sub}\n${key}`)));
  expect(hashes.size).toBe(1);
  expect(keys.length).toBeGreaterThan(100);
  const ledger = await writerFixture({ wrap: reads.wrap });
  const writer = await ledger.start();
  const [from, to] = [await ledger.open(writer, "a", null), await ledger.open(writer, "b")];
  reads.count = 0;
  const items = keys.map((key) => bulkItem(key, payment(from, to, 1n)));
  await writer.submitBulk({ caller: operator, key: "bulk", mode: "each", items, print: "x" });
  expect(reads.count).toBe(0);
});
