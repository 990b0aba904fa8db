import { type ChargeFields, readChargeFields } from "ledger-core";
import type { StoredEvent } from "ledger-core/event-log";
import { bookedDate } from "../days.ts";
import type { Pseudonyms } from "../pseudonyms.ts";

/** A plain charge as the tables show it: with names instead of ids. */
export type Charge = {
  readonly stored: StoredEvent;
  /** With names of the accounts. */
  readonly fields: ChargeFields<string>;
  readonly day: number;
  readonly paymentId: string;
  readonly tenant: string;
};

/** The most that currency and dates take: those of a damaged event may be long, and a payload has room for so much. */
export const TEXTS_MOST = 100;

type Kept = StoredEvent & {
  charge?: { readonly of: StoredEvent; readonly by: Pseudonyms; readonly charge: Charge | undefined };
};

/** The charge of an event, read for the first table that asks; undefined for any other event. */
export function chargeOnce(stored: Kept, names: Pseudonyms): Charge | undefined {
  if (stored.charge?.of !== stored || stored.charge.by !== names)
    stored.charge = { of: stored, by: names, charge: readCharge(stored, names) };
  return stored.charge.charge;
}

function readCharge(stored: StoredEvent, names: Pseudonyms): Charge | undefined {
  const fields = readChargeFields(stored, names.takeAccount);
  if (fields === undefined || !isShort(fields)) return undefined;
  return {
    stored,
    fields,
    day: bookedDate(stored.at),
    paymentId: `pay${stored.id.slice("evt".length)}`,
    tenant: names.of("tenant", fields.tenant),
  };
}

function isShort({ currency, payerDate, payeeDate }: Charge["fields"]): boolean {
  return currency.length + payerDate.length + payeeDate.length <= TEXTS_MOST;
}
