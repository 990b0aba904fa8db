import { hash } from "node:crypto";
import { entriesOf, type LedgerEvent, type Revision, type Shard } from "ledger-core";
import { numberOfId, positionOf } from "ledger-core/sql";

/** Totals of a ledger's accounts and entries up to a position vector; equal totals print equally. */
export type LedgerFigures = {
  readonly accounts: number;
  readonly entries: number;
  /** The sum of credits by currency, in minor units; as much was debited. */
  readonly credited: Readonly<Record<string, string>>;
  readonly ranges: readonly RangeFigures[];
};

/** The accounts of a shard that were opened by the revisions from `first` to `last`. */
export type RangeFigures = {
  readonly shard: Shard;
  readonly first: Revision;
  readonly last: Revision;
  readonly accounts: number;
  readonly entries: number;
  /** A sum of the rows' hashes: the order in which a store returns its rows does not matter. */
  readonly hash: string;
};

/** An account and an entry, as the log and the stores have them in common. */
export type CountedAccount = {
  readonly number: number;
  readonly tenant: string;
  readonly owner: string;
  readonly currency: string;
};
export type CountedEntry = {
  readonly account: number;
  readonly revision: number;
  readonly idx: number;
  readonly at: bigint | number;
  readonly amount: bigint;
  readonly balance: bigint;
  readonly counterparty: number;
  readonly currency: string;
};

export type FiguresTally = {
  account(account: CountedAccount): void;
  entry(entry: CountedEntry): void;
  event(event: LedgerEvent): void;
  figures(): LedgerFigures;
};

const RANGES = 16;
const LANES = 4;

type Range = { accounts: number; entries: number; readonly sum: Uint32Array };

/**
 * Adds up what is at or before `upTo`, and leaves out the rest. Takes the same memory whatever the history: a number of
 * ranges per shard, each as wide as it needs to be.
 */
export function tallyFigures(upTo: ReadonlyMap<Shard, Revision>): FiguresTally {
  const ranges = new Map<Shard, Range[]>();
  const credited = new Map<string, bigint>();
  for (const shard of upTo.keys()) ranges.set(shard, Array.from({ length: RANGES }, emptyRange));
  const widthOf = (shard: Shard) => Math.max(1, Math.ceil(((upTo.get(shard) ?? 0) + 1) / RANGES));

  function rangeOf(account: number, at?: Revision): Range | undefined {
    const { shard, revision } = positionOf(account);
    const reached = upTo.get(shard);
    if (reached === undefined || Math.max(revision, at ?? 0) > reached) return undefined;
    return ranges.get(shard)?.[Math.floor(revision / widthOf(shard))];
  }

  const tally: FiguresTally = {
    account({ number, tenant, owner, currency }) {
      const range = rangeOf(number);
      if (!range) return;
      range.accounts++;
      add(range.sum, `${number}/${tenant}/${owner}/${currency}`);
    },
    entry({ account, revision, idx, at, amount, balance, counterparty, currency }) {
      const range = rangeOf(account, revision);
      if (!range) return;
      range.entries++;
      if (amount > 0n) credited.set(currency, (credited.get(currency) ?? 0n) + amount);
      add(range.sum, `${account}/${revision}/${idx}/${at}/${amount}/${balance}/${counterparty}/${currency}`);
    },
    event(event) {
      const { fact } = event;
      if (fact.type === "AccountOpened") tally.account({ ...fact.account, number: numberOfId(fact.account.id) });
      for (const [idx, entry] of entriesOf(event).entries()) {
        const { amount, balanceAfter: balance, bookedAt: at, currency } = entry;
        const [account, counterparty] = [numberOfId(entry.account), numberOfId(entry.counterparty)];
        tally.entry({ account, revision: event.revision, idx, at, amount, balance, counterparty, currency });
      }
    },
    figures() {
      const all = [...ranges].flatMap(([shard, list]) =>
        list.map((range, nth) => ({ ...shownRange(range), shard, ...boundsOf(nth, widthOf(shard)) })),
      );
      const shown = all.filter(({ accounts, entries }) => accounts + entries > 0);
      return {
        accounts: shown.reduce((sum, { accounts }) => sum + accounts, 0),
        entries: shown.reduce((sum, { entries }) => sum + entries, 0),
        credited: Object.fromEntries([...credited].sort().map(([currency, sum]) => [currency, `${sum}`])),
        ranges: shown,
      };
    },
  };
  return tally;
}

/** The first range of accounts in which two figures differ, in words; undefined if they are equal. */
export function differenceOfFigures(found: LedgerFigures, log: LedgerFigures): string | undefined {
  const place = ({ shard, first, last }: RangeFigures) => `${shard}:${first} to ${shard}:${last}`;
  const tell = (range: RangeFigures | undefined) =>
    range ? `${range.accounts} accounts, ${range.entries} entries, hash ${range.hash}` : "nothing";
  const places = new Set([...log.ranges, ...found.ranges].map(place));
  for (const named of places) {
    const [ours, theirs] = [found, log].map(({ ranges }) => tell(ranges.find((range) => place(range) === named)));
    if (ours !== theirs) return `accounts opened from ${named}: ${ours}; by the log's events ${theirs}`;
  }
  return undefined;
}

function emptyRange(): Range {
  return { accounts: 0, entries: 0, sum: new Uint32Array(LANES) };
}

function shownRange({ accounts, entries, sum }: Range) {
  return { accounts, entries, hash: Buffer.from(sum.buffer).toString("hex") };
}

function boundsOf(nth: number, width: number) {
  return { first: nth * width, last: (nth + 1) * width - 1 };
}

/** Each lane is a sum modulo 2^32. */
function add(sum: Uint32Array, row: string): void {
  const digest = hash("sha256", row, "buffer");
  for (let lane = 0; lane < LANES; lane++) sum[lane] = (sum[lane] ?? 0) + digest.readUInt32LE(4 * lane);
}
