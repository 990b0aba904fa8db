import {
  type Account,
  type AccountId,
  type AccountType,
  type EntryType,
  idBody,
  type LedgerEvent,
  type Micros,
  makeId,
  type PaymentId,
  type PaymentStatus,
  parseBusinessDate,
} from "ledger-core";
import { captureCodes, dayOf, entryTypeCodes, numberOfId, paymentStatusCodes } from "ledger-core/sql";
import { examples } from "ledger-core/testing";
import { type ModelChange, modelsProjection } from "projection-workers";

const { START, account, alice, opened, shop, TENANT } = examples;

type AccountFields = Partial<Pick<Account, "timeZone" | "status">> & { readonly type?: AccountType };

/** The nth example account as a change of the models. */
export function openedAccount(
  n: number,
  owner: string,
  { type = "wallet", ...fields }: AccountFields = {},
): ModelChange {
  const position = { shard: 0, revision: n };
  const event: LedgerEvent = {
    ...position,
    id: makeId("evt", idBody(START, position, 1)),
    at: START,
    origin: { tenant: TENANT, sub: "", key: null, print: null },
    fact: opened(account(n, type, owner, fields)),
  };
  const [change] = modelsProjection.project(event);
  if (!change) throw new Error("an opened account is a change");
  return change;
}

type EntryFields = {
  readonly revision?: number;
  readonly idx?: number;
  readonly at?: Micros;
  readonly amount?: bigint;
  readonly balance?: bigint;
  readonly type?: EntryType;
  readonly date?: string;
  readonly reference?: string | null;
};
type EntryChange = Extract<ModelChange, { readonly kind: "entry" }>;

/** Entries of an account, one per revision from `first` on; `fields` sets what differs between them. */
export function entriesFrom(
  of: AccountId,
  first: number,
  count: number,
  fields: (n: number) => EntryFields = () => ({}),
): EntryChange[] {
  return Array.from({ length: count }, (_, index) => {
    const revision = first + index;
    const { type = "transfer", date = "2026-11-22", ...particular } = fields(revision);
    const row = {
      ...{ account: numberOfId(of), revision, idx: 1, at: START + revision, amount: 1n, balance: BigInt(revision) },
      ...{ counterparty: numberOfId(shop), salt: 1, source: null, reference: null },
      ...particular,
      type: entryTypeCodes.codeOf(type),
      day: dayOf(dateOf(date)),
    };
    return { kind: "entry", row };
  });
}

function dateOf(text: string) {
  const date = parseBusinessDate(text);
  if (!date) throw new RangeError(`${text} is no date`);
  return date;
}

type PaymentFields = {
  readonly payer?: AccountId;
  readonly payee?: AccountId;
  readonly status?: PaymentStatus;
  readonly capture?: "automatic" | "manual";
  readonly createdAt?: Micros;
};

/** A payment, and its changes of the models. */
export type MadePayment = Required<Omit<PaymentFields, "capture">> & {
  readonly id: PaymentId;
  readonly changes: readonly ModelChange[];
};

/** A payment made by the nth event: captured in full, or with manual capture in another state. */
export function paymentChange(n: number, fields: PaymentFields = {}): MadePayment {
  const { payer = alice, payee = shop, status = "captured", createdAt = START + n * 1000 } = fields;
  const { capture = status === "captured" ? "automatic" : "manual" } = fields;
  const id = makeId("pay", idBody(createdAt, { shard: 0, revision: n }, 0));
  const sides = [numberOfId(payer), numberOfId(payee)] as const;
  const common = { number: n, tenant: TENANT, payer: sides[0], payee: sides[1], fee: 0n };
  const made: ModelChange = {
    kind: "payment",
    row: {
      ...{ ...common, amount: 1n, salt: 0, at: createdAt, capture: captureCodes.codeOf(capture), expires_at: null },
      ...{ reference: null, metadata: null },
    },
  };
  const captured = status === "captured" ? 1n : 0n;
  const state: ModelChange = {
    kind: "state",
    row: { ...common, status: paymentStatusCodes.codeOf(status), captured, refunded: 0n },
  };
  const found: readonly ModelChange[] =
    capture === "manual"
      ? sides.map((side): ModelChange => ({ kind: "authorization", row: { account: side, number: n } }))
      : [payer, payee].flatMap((side, idx) =>
          entriesFrom(side, n, 1, () => ({ idx, at: createdAt, type: "payment" })).map(({ row }): ModelChange => {
            const counterparty = sides[idx ^ 1] ?? 0;
            return { kind: "entry", row: { ...row, counterparty, salt: 0 } };
          }),
        );
  return {
    id,
    payer,
    payee,
    status,
    createdAt,
    changes: [made, ...found, ...(capture === "manual" || status !== "captured" ? [state] : [])],
  };
}
