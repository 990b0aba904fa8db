import { isLedgerError, type Position, parseId, type Revision, readId, type Shard } from "ledger-core";
import type { EventLog } from "ledger-core/event-log";
import type { Row } from "./comparison.ts";
import { type FillOptions, reacher, type ShadowBuild } from "./rebuild.ts";

/** A row in which the live build is not what the log comes to. */
export type Finding = {
  readonly table: string;
  /** The values of the key, separated by `/`. */
  readonly key: string;
  /** `surplus`: only the live build has the row; `missing`: it should have it. */
  readonly kind: "changed" | "missing" | "surplus";
  /** The columns that differ, of a changed row. */
  readonly fields: readonly string[];
  readonly live: Row | null;
  readonly right: Row | null;
  /** The account that the row is about, and the event that made it, where the row names them. */
  readonly account: string | null;
  readonly event: string | null;
};

/** `findings` are the first hundred of the `differing` rows; `faults` are what the file's own check finds. */
export type Verification = {
  readonly verdict: "equal" | "differs" | "unreadable";
  readonly rows: number;
  readonly differing: number;
  readonly findings: readonly Finding[];
  readonly faults: readonly string[];
};

export type VerifyOptions = FillOptions & {
  readonly shards: readonly Shard[];
  readonly onProgress?: (done: number, total: number) => void;
};

/**
 * Compares a live build, row for row, with what the log comes to at the same positions: by building that a second time in a store of its
 * own. The live store is only read, at one moment, and goes on.
 * @throws LedgerError log_unavailable, store_unavailable
 */
export async function verify<Change>(shadow: ShadowBuild<Change>, options: VerifyOptions): Promise<Verification> {
  const { log, shards, onProgress } = options;
  const heads = new Map<Shard, Revision>();
  const reached = new Map<Shard, Revision>();
  const reach = reacher(shadow.projection, options, (shard, at) => {
    reached.set(shard, at);
    onProgress?.(eventsIn(reached), Math.max(eventsIn(heads), eventsIn(reached)));
  });
  try {
    const faults = await shadow.faults();
    for (const shard of shards) heads.set(shard, await shadow.checkpoint(shard));
    // Most of it before the moment is taken: what is held at a moment is kept in the journal until it is over.
    for (const shard of shards) await reach(shadow.target, shard, heads.get(shard) ?? -1);
    const { rows, differing, differences } = await shadow.compare(shards, reach);
    const findings: Finding[] = [];
    for (const { table, key, live, rebuilt } of differences)
      findings.push({
        ...{ table, key, live, right: rebuilt },
        kind: !rebuilt ? "surplus" : !live ? "missing" : "changed",
        fields: live && rebuilt ? Object.keys(rebuilt).filter((column) => live[column] !== rebuilt[column]) : [],
        account: accountOf(table, rebuilt ?? live),
        event: await eventOf(log, rebuilt ?? live),
      });
    const verdict = faults.length > 0 ? "unreadable" : differing > 0 ? "differs" : "equal";
    return { verdict, rows, differing, findings, faults };
  } catch (error) {
    if (!isLedgerError(error, "store_damaged") && !isLedgerError(error, "row_unreadable")) throw error;
    return { verdict: "unreadable", rows: 0, differing: 0, findings: [], faults: [error.message] };
  }
}

function eventsIn(revisions: ReadonlyMap<Shard, Revision>): number {
  return [...revisions.values()].reduce((sum, revision) => sum + revision + 1, 0);
}

function accountOf(table: string, row: Row | null): string | null {
  const named = row?.account ?? row?.payer ?? (table.includes("accounts") ? row?.id : undefined);
  return typeof named === "string" ? named : null;
}

const prefixes = ["evt", "ent", "pay", "rfd", "txf", "top", "pyt", "acct"] as const;

/** The id of the event that made a row: what it names, or the one at its position in the log. */
async function eventOf(log: EventLog, row: Row | null): Promise<string | null> {
  const at = row && positionOf(row);
  if (!at) return null;
  for await (const [event] of log.read(at.shard, at.revision, { limit: 1 }))
    if (event?.revision === at.revision) return event.id;
  return null;
}

function positionOf(row: Row): Position | null {
  if (row.revision !== undefined) {
    const account = typeof row.account === "string" ? parseId("acct", row.account) : undefined;
    const [shard, revision] = [Number(row.shard ?? (account && readId(account).shard)), Number(row.revision)];
    if (Number.isSafeInteger(shard) && Number.isSafeInteger(revision) && shard >= 0 && revision >= 0)
      return { shard, revision };
  }
  for (const named of [row.event, row.id, row.payment])
    for (const prefix of prefixes) {
      const id = typeof named === "string" ? parseId(prefix, named) : undefined;
      if (id) return readId(id);
    }
  return null;
}
