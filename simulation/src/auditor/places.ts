import type { LedgerEvent } from "ledger-core";
import { mustHold } from "./violation.ts";

/** Checks an event's position, time and writer, all taken from its id, against the previous event. */
export function makePlaceCheck(): (event: LedgerEvent, last: LedgerEvent | undefined) => void {
  let epoch = 0;
  let salt = -1;
  return ({ id, at, shard, revision, fact }, last) => {
    const expected = (last?.revision ?? -1) + 1;
    mustHold(revision === expected, "5 no gaps", () => `revision ${revision} follows ${expected - 1}`);
    mustHold(at >= (last?.at ?? 0), "14 clocks", () => `${revision} is of ${at}, before the event before it`);
    const read = readBase32(id);
    mustHold(read.revision === revision && shard === 0, "5 ids", () => `${id} at ${revision} says ${read.revision}`);
    mustHold(read.ms === Math.floor(at / 1000), "5 ids", () => `${id} is not of its time`);
    if (fact.type === "WriterEpochStarted") {
      mustHold(fact.epoch === epoch + 1, "3 one writer", () => `epoch ${fact.epoch} follows ${epoch}`);
      mustHold(read.salt !== salt, "5 ids", () => `the writer of ${id} makes the ids of the one before it`);
      epoch = fact.epoch;
      salt = read.salt;
    }
    mustHold(read.salt === salt, "3 stale writer", () => `${id} at ${revision} is of a writer that was superseded`);
  };
}

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

/** Decodes an id, independently of the ledger: 10 characters of milliseconds, 2 of shard, 8 of revision, 6 of salt. */
function readBase32(id: string): { ms: number; revision: number; salt: number } {
  const body = id.slice(-26);
  const number = (from: number, to: number) => {
    let sum = 0;
    for (let i = from; i < to; i++) sum = sum * 32 + alphabet.indexOf(body.charAt(i));
    return sum;
  };
  return { ms: number(0, 10), revision: number(12, 20), salt: number(20, 26) };
}
