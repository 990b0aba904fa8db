import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { assert } from "../domain/errors.ts";
import { NO_REVISION, type Revision } from "../domain/position.ts";
import type { ProjectionTarget } from "../ports/projection.ts";

/** An empty target under test. */
export type TargetUnderTest<Change> = {
  readonly target: ProjectionTarget<Change>;
  /** Everything stored except the checkpoints, in a fixed order, for comparison. */
  contents(): Promise<unknown>;
  /** Closes the target and reopens it on the same store. */
  reopen(): Promise<ProjectionTarget<Change>>;
  dispose(): Promise<void>;
};

/** Changes that the suite applies. */
export type TargetSamples<Change> = {
  /** The changes of at least 20 events of one shard, starting at revision 0; each event changes the contents. */
  readonly events: readonly (readonly Change[])[];
  /** A change that cannot be applied after the first six events; null for a projection that refuses none. */
  readonly poison: Change | null;
};

/** The contract of a projection's target; every adapter passes it: `projectionTargetSuite("SQLite", samples, open)`. */
export function projectionTargetSuite<Change>(
  name: string,
  { events, poison }: TargetSamples<Change>,
  open: () => Promise<TargetUnderTest<Change>>,
): void {
  describe(`projection target, ${name}`, () => {
    let current: TargetUnderTest<Change> | undefined;
    const opened = (): TargetUnderTest<Change> => {
      assert(current, "the target is opened before each test");
      return current;
    };
    beforeEach(async () => {
      current = await open();
    });
    afterEach(async () => {
      await current?.dispose();
    });
    const between = (after: Revision, upTo: Revision) => events.slice(after + 1, upTo + 1).flat();

    test("an empty target is before the first revision", async () => {
      expect(await opened().target.checkpoint(0)).toBe(NO_REVISION);
      expect(await opened().target.checkpoint(7)).toBe(NO_REVISION);
    });

    test("changes and checkpoint move together, and survive a restart", async () => {
      const { target, contents, reopen } = opened();
      await target.apply(0, NO_REVISION, 9, between(NO_REVISION, 9));
      expect(await target.checkpoint(0)).toBe(9);
      const then = await contents();
      const again = await reopen();
      expect(await again.checkpoint(0)).toBe(9);
      expect(await contents()).toEqual(then);
      await again.apply(0, 9, 19, between(9, 19));
      expect(await again.checkpoint(0)).toBe(19);
      expect(await contents()).not.toEqual(then);
    });

    test("events that change nothing still move the checkpoint", async () => {
      const { target } = opened();
      await target.apply(0, NO_REVISION, 4, []);
      await target.apply(0, 4, 5, []);
      expect(await target.checkpoint(0)).toBe(5);
    });

    test.each([
      ["a repeat", 4, 9],
      ["the first batch again", NO_REVISION, 9],
      ["a gap", 12, 14],
    ])("%s is refused, and nothing is applied", async (_, after, upTo) => {
      const { target, contents } = opened();
      await target.apply(0, NO_REVISION, 4, between(NO_REVISION, 4));
      await target.apply(0, 4, 9, between(4, 9));
      const then = await contents();
      await expect(target.apply(0, after, upTo, between(after, upTo))).rejects.toMatchObject({ code: "revision_gap" });
      expect(await contents()).toEqual(then);
      expect(await target.checkpoint(0)).toBe(9);
    });

    test("an empty target refuses a start that is not at the beginning", async () => {
      await expect(opened().target.apply(0, 3, 4, between(3, 4))).rejects.toMatchObject({ code: "revision_gap" });
      expect(await opened().target.checkpoint(0)).toBe(NO_REVISION);
    });

    if (poison !== null) {
      test("a change that cannot be applied rolls back its whole batch and the checkpoint", async () => {
        const { target, contents } = opened();
        const then = await contents();
        const batch = target.apply(0, NO_REVISION, 5, [...between(NO_REVISION, 5), poison]);
        await expect(batch).rejects.toMatchObject({ code: "poison_event" });
        expect(await contents()).toEqual(then);
        expect(await target.checkpoint(0)).toBe(NO_REVISION);
        await target.apply(0, NO_REVISION, 5, between(NO_REVISION, 5));
        expect(await target.checkpoint(0)).toBe(5);
      });
    }

    test("each shard has its own checkpoint", async () => {
      const { target } = opened();
      await target.apply(3, NO_REVISION, 2, []);
      await target.apply(0, NO_REVISION, 9, between(NO_REVISION, 9));
      await target.apply(3, 2, 3, []);
      expect([await target.checkpoint(0), await target.checkpoint(3)]).toEqual([9, 3]);
    });

    test("of two concurrent appliers of the same events, one is refused", async () => {
      const { target, contents } = opened();
      await target.apply(0, NO_REVISION, 9, between(NO_REVISION, 9));
      const both = [target.apply(0, 9, 19, between(9, 19)), target.apply(0, 9, 19, between(9, 19))];
      const outcomes = (await Promise.allSettled(both)).map(({ status }) => status);
      expect(outcomes.sort()).toEqual(["fulfilled", "rejected"]);
      expect(await target.checkpoint(0)).toBe(19);
      expect(await contents()).toBeDefined();
    });

    test("preparing writes nothing, and what was prepared is applied alike", async () => {
      const ahead = opened();
      const changes = events.flat();
      const then = await ahead.contents();
      ahead.target.prepare?.(changes);
      ahead.target.prepare?.(between(NO_REVISION, 9));
      expect(await ahead.contents()).toEqual(then);
      expect(await ahead.target.checkpoint(0)).toBe(NO_REVISION);
      await ahead.target.apply(0, NO_REVISION, events.length - 1, changes);
      await expect(ahead.target.apply(0, NO_REVISION, events.length - 1, changes)).rejects.toMatchObject({
        code: "revision_gap",
      });
      const prepared = await ahead.contents();
      await ahead.dispose();
      current = await open();
      await current.target.apply(0, NO_REVISION, events.length - 1, events.flat());
      expect(await current.contents()).toEqual(prepared);
    });

    test("the same events in other batches give the same contents", async () => {
      const all = opened();
      await all.target.apply(0, NO_REVISION, events.length - 1, events.flat());
      const whole = await all.contents();
      await all.dispose();
      current = await open();
      for (let at = NO_REVISION; at < events.length - 1; ) {
        const upTo = Math.min(at + 1 + ((at + 8) % 3), events.length - 1);
        await current.target.apply(0, at, upTo, between(at, upTo));
        at = upTo;
      }
      expect(await current.contents()).toEqual(whole);
    });
  });
}
