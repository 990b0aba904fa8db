import {
  DecisionState,
  type DecisionStateOptions,
  type DuePage,
  type KeyPlace,
  type PageKind,
  type Pages,
  type StateFile,
  type WriterSeams,
} from "command-service";
import {
  type AccountId,
  type AccountState,
  type AccountTotals,
  accountOf,
  isLedgerError,
  type LedgerEvent,
} from "ledger-core";
import type { PlantedBug } from "./planted-bug.ts";

/** Bugs in a writer's state, in memory and in its state file. */
export const stateBugs: readonly PlantedBug[] = [
  {
    name: "speculative-state-kept",
    what: "balances keep the changes of an atomic bulk or a dry run of which nothing was appended",
    plant: () => remembering((options) => new KeepsSpeculation(options)),
  },
  {
    name: "hold-kept-at-final-capture",
    what: "a final capture does not release what it leaves",
    plant: () => remembering((options) => new KeepsHolds(options)),
  },
  {
    name: "daily-spending-forgotten",
    what: "nothing counts against the daily ceiling",
    plant: () => remembering((options) => new ForgetsSpending(options)),
  },
  {
    name: "day-not-given-back",
    what: "a voided or expired payment still counts against the daily ceiling of its day",
    plant: () => remembering((options) => new KeepsTheDay(options)),
  },
  {
    name: "ahead-counts-as-settled",
    what: "commands decided while a batch is appended count as being in the log once that batch is",
    plant: () => remembering((options) => new SettlesAll(options)),
  },
  {
    name: "log-time-goes-back",
    what: "events have the time of the writer's clock, even if it is before the last event's",
    plant: () => remembering((options) => new FollowsItsClock(options)),
  },
  {
    name: "wild-clock-taken-over",
    what: "the clock that measures durations jumps with the wall clock, so that no jump looks wild",
    plant: () => ({
      runtime: (runtime) => ({ ...runtime, elapsedMs: () => runtime.elapsedMs() + runtime.now() / 1000 }),
    }),
  },
  {
    name: "released-late",
    what: "an authorization is held for an hour after its end",
    plant: () => remembering((options) => new ReleasesLate(options)),
  },
  {
    name: "expiry-looks-at-first-page",
    what: "expiry looks only at the first page of due holds on disk, even if they were released since",
    plant: () => filing(({ pages }) => ({ pages: { ...pages, marks: (kind) => firstDue(pages.marks(kind), kind) } })),
  },
  {
    name: "key-lost-in-memory",
    what: "keys of events that are not on disk yet are not found",
    plant: () => remembering((options) => new LosesKeys(options)),
  },
  {
    name: "key-lost-at-restart",
    what: "keys on disk are not found after a restart",
    plant: () => filing(() => ({ keysManifest: () => null })),
  },
  {
    name: "deadline-lost-on-disk",
    what: "the end of an authorization is not written to disk",
    plant: () => filing(({ pages }) => ({ pages: writing(pages, withoutDeadlines) })),
  },
  {
    name: "payment-lost-on-disk",
    what: "changes of a payment are not written to disk",
    plant: () => filing(({ pages }) => ({ pages: writing(pages, (kind) => (kind === "payments" ? undefined : same)) })),
  },
  {
    name: "stand-outside-transaction",
    what: "the state file names its revision before its content is there",
    plant: () =>
      filing((file) => ({
        commit: (stand, keysManifest) => {
          file.rollback();
          file.begin();
          file.commit(stand, keysManifest);
        },
      })),
  },
  {
    name: "stale-account-on-disk",
    what: "an account that is on disk already is not written again",
    plant: () => filing(({ pages }) => ({ pages: writingOnce(pages) })),
  },
  {
    name: "state-page-unchecked",
    what: "pages of accounts are used unchecked, and now and then a bit of one is wrong",
    plant: () => filing(({ pages }) => ({ pages: unchecked(pages) })),
  },
  {
    name: "event-id-reused-after-restart",
    what: "every term of a writer makes the same ids",
    plant: () => ({ runtime: (runtime) => ({ ...runtime, random: () => 7 }) }),
  },
  {
    name: "clock-fixed-at-start",
    what: "time is the clock at the start plus what has passed since, so corrections are never seen",
    plant: () => ({
      runtime(runtime) {
        const [startUs, startMs] = [runtime.now(), runtime.elapsedMs()];
        return { ...runtime, now: () => startUs + Math.floor((runtime.elapsedMs() - startMs) * 1000) };
      },
    }),
  },
  {
    name: "unbounded-queue",
    what: "the queue takes whatever comes",
    plant: () => ({ queueMax: () => Number.MAX_SAFE_INTEGER }),
  },
  {
    name: "unbounded-event",
    what: "an event takes whatever a bulk's faults need",
    plant: () => ({ eventBytesMax: () => Number.MAX_SAFE_INTEGER }),
  },
  {
    name: "nothing-written-told-of-a-part",
    what: "a client is told that nothing was written although the first items of its bulk are in the log",
    plant: () => ({
      writer: (writer) => ({
        ...writer,
        submitBulk: (bulk) =>
          writer.submitBulk(bulk).catch((error: unknown) => {
            throw isLedgerError(error) ? Object.assign(error, { partlyApplied: false }) : error;
          }),
      }),
    }),
  },
];

function remembering(openState: (options: DecisionStateOptions) => DecisionState) {
  return { seams: (seams: WriterSeams): WriterSeams => ({ ...seams, openState }) };
}

function filing(change: (file: StateFile) => Partial<StateFile>) {
  return {
    seams: (seams: WriterSeams): WriterSeams => ({
      ...seams,
      openStateFile(name, onDiscarded) {
        const file = seams.openStateFile(name, onDiscarded);
        return { ...file, ...change(file) };
      },
    }),
  };
}

/** Flips a bit in every fifth page of balances read, as if no checksum were compared. */
function unchecked(pages: Pages): Pages {
  let reads = 0;
  return {
    ...pages,
    read(kind, page) {
      const bytes = pages.read(kind, page);
      if (kind === "standings" && ++reads % 5 === 0) bytes[1] = (bytes[1] ?? 0) ^ 1;
      return bytes;
    },
  };
}

/** Changes a page about to be written; undefined drops it. */
type Change = (bytes: Uint8Array, mark: number) => { readonly bytes: Uint8Array; readonly mark: number };
const same: Change = (bytes, mark) => ({ bytes, mark });

function writing(pages: Pages, changeOf: (kind: PageKind) => Change | undefined): Pages {
  return {
    ...pages,
    write(kind, page, bytes, mark = 0) {
      const written = changeOf(kind)?.(bytes, mark);
      if (written) pages.write(kind, page, written.bytes, written.mark);
    },
  };
}

/** Rows of payments have six columns; the fifth is the end of the hold. */
function withoutDeadlines(kind: PageKind): Change {
  if (kind !== "payments") return same;
  return (bytes) => {
    const rows = new Float64Array(bytes.slice().buffer);
    for (let at = 4; at < rows.length; at += 6) rows[at] = 0;
    return { bytes: new Uint8Array(rows.buffer), mark: 0 };
  };
}

function writingOnce(pages: Pages): Pages {
  return {
    ...pages,
    write(kind, page, bytes, mark) {
      const known = kind === "standings" && pages.has(kind, page) ? pages.read(kind, page).length : -1;
      if (known < bytes.length) pages.write(kind, page, bytes, mark);
    },
  };
}

/** The payments' marks, as if only the page with the earliest hold had one. */
function firstDue(marks: Float64Array, kind: PageKind): Float64Array {
  if (kind !== "payments") return marks;
  const earliest = Math.min(...marks.filter((mark) => mark > 0));
  return marks.map((mark) => (mark === earliest ? mark : 0));
}

class KeepsSpeculation extends DecisionState {
  private readonly kept = new Map<AccountId, AccountState>();

  override account(id: AccountId): AccountState | undefined {
    return this.kept.get(id) ?? super.account(id);
  }

  override putAccount(account: AccountState): void {
    this.kept.set(account.id, account);
    super.putAccount(account);
  }

  override moveAccount(account: AccountState, to: AccountTotals): void {
    const { day, spent, balances } = to;
    this.kept.set(account.id, { ...accountOf(account), balances, day, spent });
    super.moveAccount(account, to);
  }

  /** Leaves every charge to `moveAccount`. */
  override applyCharge(): boolean {
    return false;
  }
}

class KeepsHolds extends DecisionState {
  override apply(event: LedgerEvent): void {
    const { fact } = event;
    if (fact.type !== "PaymentCaptured" || fact.released === 0n) {
      super.apply(event);
      return;
    }
    const { account, amount, held } = fact.hold;
    const hold = { account, amount: amount + fact.released, held: held + fact.released };
    super.apply({ ...event, fact: { ...fact, hold } });
  }
}

class ForgetsSpending extends DecisionState {
  override moveAccount(account: AccountState, to: AccountTotals): void {
    super.moveAccount(account, { ...to, spent: 0n });
  }
}

class KeepsTheDay extends DecisionState {
  override apply(event: LedgerEvent): void {
    const { fact } = event;
    super.apply("sameDay" in fact ? { ...event, fact: { ...fact, sameDay: false } } : event);
  }
}

class SettlesAll extends DecisionState {
  override settle(): void {
    super.settle(this.revision);
  }
}

class FollowsItsClock extends DecisionState {
  override get at(): number {
    return super.at - 3_600_000_000;
  }
}

class ReleasesLate extends DecisionState {
  override duePayments(now: number, limit: number): DuePage {
    return super.duePayments(now - 3_600_000_000, limit);
  }
}

class LosesKeys extends DecisionState {
  override findKey(place: KeyPlace, tenant: string, sub: string, key: string): readonly number[] | undefined {
    return super.findKey(place, tenant, sub, key)?.filter((revision) => revision < this.revision - 40);
  }
}
