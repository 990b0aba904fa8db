import { LedgerError, type Position, type Revision, type Shard, type StoreRow } from "ledger-core";
import {
  entryFields,
  type ListedAccount,
  type ListedName,
  type ListedOwner,
  NOTHING_HELD,
  OPEN,
  readBalance,
  type SessionListing,
} from "ledger-core/redis";
import { checkpointDifference, DIFFERENCES_MAX, type Difference, printable } from "../../rebuild/comparison.ts";
import type { SessionsFile } from "./sessions-file.ts";

/** How many keys are read in one step, which keeps the scripts of others waiting. */
const ACCOUNTS_AT_A_TIME = 200;
const OWNERS_AT_A_TIME = 50;

type ComparedSessions = {
  readonly positions: readonly Position[];
  readonly rows: number;
  readonly differing: number;
  readonly differences: readonly Difference[];
};

type Comparing = {
  readonly listing: SessionListing;
  readonly expected: SessionsFile;
  /** Fills what is expected up to a revision. */
  fill(shard: Shard, upTo: Revision): Promise<void>;
};

/**
 * Compares session views with those in a file. Redis has no snapshot; but each answer is of one revision of its shard,
 * up to which the file is filled before the two are compared.
 * @throws store_unavailable when the views are filled anew meanwhile
 */
export async function compareSessions(comparing: Comparing, shards: readonly Shard[]): Promise<ComparedSessions> {
  const { listing, expected, fill } = comparing;
  const tally = tallyDifferences();
  const positions: Position[] = [];
  for (const shard of shards) {
    const { generation } = await listing.served(shard);
    const of = { shard, generation };
    let reached = await expected.store.checkpoint(shard);
    /** Lists, and lets the file follow to the revision of the answer. */
    const listed = async <Item>(answer: Promise<{ readonly revision: Revision; readonly items: readonly Item[] }>) => {
      const { revision, items } = await answer;
      if (revision < reached) throw wentBack(shard);
      await fill(shard, revision);
      reached = revision;
      return items;
    };

    for (let after = ""; ; ) {
      const accounts = expected.accountsAfter(shard, after, ACCOUNTS_AT_A_TIME);
      for (const found of await listed(listing.accounts(of, accounts)))
        tally.row("session_accounts", found.account, accountRow(found), expectedAccount(expected, found.account));
      if (accounts.length < ACCOUNTS_AT_A_TIME) break;
      after = accounts.at(-1) ?? "";
    }
    for (let after = ""; ; ) {
      const owners = expected.ownersAfter(shard, after, OWNERS_AT_A_TIME);
      for (const found of await listed(listing.owners(of, owners))) compareOwner(tally, expected, shard, found);
      if (owners.length < OWNERS_AT_A_TIME) break;
      after = owners.at(-1) ?? "";
    }
    for (const place of ["account", "index", "key"] as const) {
      let cursor: string | undefined;
      do {
        const answer = await listing.names(of, place, cursor);
        for (const name of await listed(Promise.resolve(answer)))
          if (!isExpected(expected, shard, name)) tally.surplus(shard, name);
        cursor = answer.cursor;
      } while (cursor !== undefined);
    }
    const filled = await expected.store.checkpoint(shard);
    if (filled !== reached) tally.add(checkpointDifference(shard, reached, filled));
    positions.push({ shard, revision: reached });
  }
  return { positions, ...tally.result() };
}

function wentBack(shard: Shard): LedgerError {
  const text = `the session views of shard ${shard} went back to an earlier revision`;
  return new LedgerError("store_unavailable", text, { retryable: true });
}

type DifferenceTally = ReturnType<typeof tallyDifferences>;

function tallyDifferences() {
  const surplus = new Set<string>();
  const differences: Difference[] = [];
  let [rows, differing] = [0, 0];
  const add = (difference: Difference) => {
    differing++;
    if (differences.length < DIFFERENCES_MAX) differences.push(difference);
  };
  return {
    add,
    row(table: string, key: string, live: StoreRow | undefined, rebuilt: StoreRow | undefined): void {
      rows++;
      const columns = Object.keys({ ...live, ...rebuilt });
      if (columns.every((column) => live?.[column] === rebuilt?.[column])) return;
      add({ table, key, live: printable(live), rebuilt: printable(rebuilt) });
    },
    /** A name is found in the index and as a key, and perhaps more than once. */
    surplus(shard: Shard, { place, name }: ListedName): void {
      const key = name.replace(/^m:/, "o:").replace(/^[ths]:/, "");
      if (surplus.has(key)) return;
      if (surplus.size < DIFFERENCES_MAX) surplus.add(key);
      rows++;
      const [table, named] = key.startsWith("o:") ? ["session_owners", key.slice(2)] : ["session_accounts", key];
      add({ table, key: named, live: { shard, place, name, account: named, event: named }, rebuilt: null });
    },
    result: () => ({ rows, differing, differences }),
  };
}

function accountRow({ account, owner, texts }: ListedAccount): StoreRow | undefined {
  if (owner === null && texts.every((text) => text === null)) return undefined;
  const [opened, balance, held, status] = texts;
  const { posted, newest } = balanceIn(balance);
  return { account, owner, opened, status: status ?? OPEN, posted, held: held ?? NOTHING_HELD, entry: newest };
}

function expectedAccount(expected: SessionsFile, id: string): StoreRow | undefined {
  const row = expected.account(id);
  if (!row) return undefined;
  const { account, owner, opened, status, posted, held, entry } = row;
  return { account, owner, opened, status, posted, held, entry };
}

function compareOwner(
  tally: DifferenceTally,
  expected: SessionsFile,
  shard: Shard,
  { owner, counted, movements }: ListedOwner,
): void {
  const key = `${shard}/${owner}`;
  const right = expected.counted(shard, owner);
  tally.row("session_owners", key, ownerRow(shard, owner, counted), ownerRow(shard, owner, right ?? null));
  const due = expected.movements(shard, owner);
  for (let nth = 0; nth < Math.max(due.length, movements.length); nth++)
    tally.row("session_movements", `${key}/${nth}`, movementRow(movements[nth]), movementRow(due[nth]));
}

/** @param counted as the index has it */
function ownerRow(shard: Shard, owner: string, counted: string | null): StoreRow | undefined {
  if (counted === null) return undefined;
  const [accounts, movements, moved, latest] = counted.split(" ");
  return { shard, owner, accounts, movements, moved, latest };
}

function balanceIn(text: string | null | undefined) {
  try {
    return readBalance(text ?? "");
  } catch {
    return { posted: text, newest: null };
  }
}

/** The fields of a movement, each a cell. */
function movementRow(text: string | undefined): StoreRow | undefined {
  if (text === undefined) return undefined;
  try {
    return entryFields(text);
  } catch {
    return { text };
  }
}

function isExpected(expected: SessionsFile, shard: Shard, { name }: ListedName): boolean {
  if (name === "index" || name === "whole" || name === "revision") return true;
  if (/^[om]:/.test(name)) return expected.counted(shard, name.slice(2)) !== undefined;
  return expected.account(name.replace(/^[ths]:/, "")) !== undefined;
}
