import type { Knex } from "knex";
import type { ChargeRow } from "ledger-core";
import { captureCodes, entryTypeCodes, insertValues, numberOf, type SqlValue, valueRows } from "ledger-core/sql";
import type { RunChanges } from "./collapse.ts";
import { entries, entryReferences, payments } from "./tables.ts";

/*
 * Almost every event is a charge. Its values go straight into the statements, without intermediate objects, and columns
 * with the same value in all charges are part of a statement's text.
 */

const chargedPayment = { fee: 0, capture: captureCodes.codeOf("automatic"), expires_at: null, metadata: null };
const chargedEntry = { type: entryTypeCodes.codeOf("payment"), source: null };

export async function writeChargedPayments(trx: Knex, suffix: string, charges: readonly ChargeRow[]): Promise<void> {
  const referring = charges.some(isReferring);
  const put = (row: number, into: SqlValue[], at: number) => {
    const charge = charges[row];
    if (!charge) return;
    into[at] = charge.tenant;
    into[at + 1] = numberOf(charge);
    into[at + 2] = charge.payer;
    into[at + 3] = charge.payee;
    into[at + 4] = charge.amount;
    into[at + 5] = charge.salt;
    into[at + 6] = charge.at;
    if (referring) into[at + 7] = charge.reference;
  };
  const fixed = { ...chargedPayment, ...(!referring && { reference: null }) };
  await insertValues(trx, payments, suffix, { count: charges.length, put }, { fixed });
}

/** The entries of the charges of a run, in the order of their keys. */
export async function writeChargeEntries(trx: Knex, suffix: string, changes: RunChanges): Promise<void> {
  const { run, charges, sides } = changes;
  const referring = charges.some(isReferring);
  const put = (row: number, into: SqlValue[], at: number) => {
    const side = sides[row] ?? 0;
    const charge = charges[side >> 1];
    if (!charge) return;
    const idx = side & 1;
    into[at] = idx === 0 ? charge.payer : charge.payee;
    into[at + 1] = charge.revision;
    into[at + 2] = idx;
    into[at + 3] = charge.at;
    into[at + 4] = idx === 0 ? -charge.amount : charge.amount;
    into[at + 5] = idx === 0 ? charge.payerBalance : charge.payeeBalance;
    into[at + 6] = idx === 0 ? charge.payerDay : charge.payeeDay;
    into[at + 7] = idx === 0 ? charge.payee : charge.payer;
    into[at + 8] = charge.salt;
    if (referring) into[at + 9] = charge.reference;
  };
  const fixed = { run, ...chargedEntry, ...(!referring && { reference: null }) };
  await insertValues(trx, entries, suffix, { count: sides.length, put }, { fixed });
  if (referring) await writeReferences(trx, suffix, changes);
}

async function writeReferences(trx: Knex, suffix: string, { run, charges, sides }: RunChanges): Promise<void> {
  const references: SqlValue[] = [];
  for (const side of sides) {
    const charge = charges[side >> 1];
    if (!charge || charge.reference === null) continue;
    const idx = side & 1;
    references.push(idx === 0 ? charge.payer : charge.payee, charge.reference, charge.revision, idx);
  }
  await insertValues(trx, entryReferences, suffix, valueRows(references, 4), { fixed: { run } });
}

function isReferring({ reference }: ChargeRow): boolean {
  return reference !== null;
}
