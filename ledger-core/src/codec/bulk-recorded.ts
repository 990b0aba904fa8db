import type { BulkFault, BulkOutcome, BulkRecorded } from "../domain/events.ts";
import { FaultTable, storedFaults } from "./fault-table.ts";
import { asObject, integer, type Json, list, Malformed, oneOf, record, type Shape, text } from "./shape.ts";

type Body = Omit<BulkRecorded, "type">;

const mode = oneOf("each", "atomic");
const texts = list(text);
const numbers = list(integer);
const faultList = list<readonly Json[]>({ write: (fault) => fault, read: (json) => asList(json) });

/**
 * The record of a bulk, version 2: a table of its faults, and its outcomes as a list of pairs. A pair is the first
 * revision of a run, or the index of a fault counted from -1 down; and the number of its items.
 */
export const bulkRecorded: Shape<Body> = {
  write(body) {
    const table = new FaultTable();
    const places = body.faults.map((fault) => table.add(fault) ?? 0);
    const runs: number[] = [];
    for (const outcome of body.outcomes) {
      runs.push("first" in outcome ? outcome.first : -1 - (places[outcome.fault] ?? 0), outcome.count);
    }
    return { mode: body.mode, texts: table.texts, pointers: table.pointers, faults: table.faults, runs };
  },
  read(json) {
    const stored = asObject(json);
    const faults = readFaults(stored);
    return { mode: mode.read(stored.mode), faults, outcomes: readRuns(numbers.read(stored.runs), faults.length) };
  },
};

function readFaults(stored: { readonly [key: string]: Json }): BulkFault[] {
  try {
    return storedFaults(texts.read(stored.texts), texts.read(stored.pointers), faultList.read(stored.faults));
  } catch (error) {
    if (error instanceof RangeError) throw new Malformed(`expected a table of faults: ${error.message}`);
    throw error;
  }
}

function readRuns(runs: readonly number[], faultCount: number): BulkOutcome[] {
  const outcomes: BulkOutcome[] = [];
  for (let i = 0; i < runs.length; i += 2) {
    const [start = 0, count = 0] = [runs[i], runs[i + 1]];
    if (count < 1 || -start > faultCount) throw new Malformed(`expected a run, found ${start}, ${count}`);
    outcomes.push(start < 0 ? { fault: -1 - start, count } : { first: start, count });
  }
  return outcomes;
}

function asList(json: Json | undefined): readonly Json[] {
  if (Array.isArray(json)) return json;
  throw new Malformed(`expected a list, found ${JSON.stringify(json)?.slice(0, 80)}`);
}

const runV1 = record<{ first: number; count: number }>({ first: integer, count: integer });
const problemV1 = record<Omit<BulkFault, "more"> & { count: number }>({
  code: text,
  detail: text,
  errors: list(record({ pointer: text, detail: text })),
  count: integer,
});

/** Version 1 repeated the texts of a fault for every item. */
export function raiseBulkRecorded({ outcomes: written, ...rest }: { readonly [key: string]: Json }): Json {
  if (!Array.isArray(written)) throw new Malformed("expected a list of outcomes");
  const faults: BulkFault[] = [];
  const outcomes = written.map((json): BulkOutcome => {
    if ("first" in asObject(json)) return runV1.read(json);
    const { count, ...fault } = problemV1.read(json);
    return { fault: faults.push(fault) - 1, count };
  });
  return { ...rest, ...asObject(bulkRecorded.write({ mode: mode.read(rest.mode), faults, outcomes })) };
}
