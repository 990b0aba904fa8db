import fc from "fast-check";
import { type LedgerEvent, makeId } from "ledger-core";
import { anyFact, anyOrigin, examples } from "ledger-core/testing";
import { expect, test } from "vitest";
import { names } from "../testing/folder.ts";
import { exportTables } from "./tables.ts";

const MARK = "personal data";

/** Fields of facts that hold no text of a person: words of the ledger, dates, and the names of rails. */
const words = new Set([
  ...["type", "payeeType", "currency", "timeZone", "status", "capture", "mode", "change", "code", "rail"],
  ...["date", "effectiveDate", "spentOn", "day"],
]);
const idForm = /^(acct|pay|rfd|txf|top|pyt|ent|evt)_/;

/** Puts the mark into every text of a fact that is not one of the ledger's own words or ids; into new fields, too. */
function marked(value: unknown, field = ""): unknown {
  if (typeof value === "string") return words.has(field) || idForm.test(value) ? value : `${MARK} ${value}`;
  if (Array.isArray(value)) return value.map((one) => marked(one, field));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      const free = field === "metadata" || field === "faults";
      return [free ? `${MARK} ${name}` : name, marked(inner, free ? "" : name)];
    }),
  );
}

const anyEvent = fc.tuple(anyFact, anyOrigin).map(([fact, origin]) => {
  const event = { id: makeId("evt", "0".repeat(26)), at: examples.START, shard: 0, revision: 7, origin, fact };
  return marked(event) as LedgerEvent;
});

test("no text that a person wrote, and no id of an account, is in any cell of any table", () => {
  fc.assert(
    fc.property(anyEvent, (event) => {
      for (const table of exportTables)
        for (const row of table.rows(event, { version: 1, leaf: new Uint8Array(32) }, names)) {
          expect(row).toHaveLength(table.columns.length);
          for (const cell of row) {
            expect(String(cell)).not.toContain(MARK);
            expect(String(cell)).not.toMatch(/acct_/);
          }
        }
    }),
    { numRuns: 1000 },
  );
});
