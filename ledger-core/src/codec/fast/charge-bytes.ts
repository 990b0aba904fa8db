import { Buffer } from "node:buffer";
import type { EventBody } from "../../domain/decision.ts";
import type { Origin } from "../../domain/events.ts";
import type { Payment } from "../../domain/payment.ts";
import { isEmpty, isPlainCharge, quote } from "../payment-charged.ts";
import { NOT_WRITTEN, putAmount, putText } from "./plain-bytes.ts";

/*
 * The hot path's event written where it is to lie: what writePaymentCharged writes, without a text of it. Text joined
 * from forty pieces is a kilobyte and a half of garbage a payment. What nearly all charges of a batch have in common is
 * copied in four pieces.
 */
const PRINT = "0123456789abcdef".repeat(2);
const PAYMENT = `pay_${"0".repeat(26)}`;
const ACCOUNT = `acct_${"0".repeat(26)}`;
const MIDDLE = `","print":"${PRINT}"},"payment":"${PAYMENT}","payer":"${ACCOUNT}","payee":"${ACCOUNT}","payeeType":"`;
const PRINT_AT = MIDDLE.indexOf(PRINT);
const PAYMENT_AT = MIDDLE.indexOf(PAYMENT);
const PAYER_AT = MIDDLE.indexOf(ACCOUNT);
const PAYEE_AT = MIDDLE.lastIndexOf(ACCOUNT);
const REFERENCE = Buffer.from('","reference":"');
const NEXT = Buffer.from('","');

/** The most that anything but texts takes in a charge. */
const PIECES_ROOM = 1024;
/** The most bytes that JSON takes for a unit of text. */
const UNIT_ROOM = 6;

/** A piece made for values that the next charge mostly has too. */
class Piece {
  readonly #textOf: (a: string, b: string | number) => string;
  #a: string | undefined;
  #b: string | number | undefined;
  #bytes = Buffer.alloc(0);

  constructor(textOf: (a: string, b: string | number) => string) {
    this.#textOf = textOf;
  }

  put(bytes: Buffer, at: number, a: string, b: string | number): number {
    if (a !== this.#a || b !== this.#b) {
      this.#bytes = Buffer.from(this.#textOf(a, b));
      this.#a = a;
      this.#b = b;
    }
    bytes.set(this.#bytes, at);
    return at + this.#bytes.length;
  }
}

const head = new Piece((tenant, sub) => `{"origin":{"tenant":${quote(tenant)},"sub":${quote(`${sub}`)},"key":"`);
const middle = new Piece((payeeType) => `${MIDDLE}${payeeType}","amount":"`);
const currencyPiece = new Piece((currency) => `","currency":"${currency}`);
const time = new Piece((_, createdAt) => `","createdAt":${createdAt},"balances":["`);
const dates = new Piece((debit, credit) => `"],"dates":["${debit}","${credit}"]}`);

/** The most bytes that a charge can take. */
export function chargeRoom({ tenant, sub, key }: Origin, { reference }: Payment): number {
  return PIECES_ROOM + UNIT_ROOM * (tenant.length + sub.length + (key?.length ?? 0) + (reference?.length ?? 0));
}

/**
 * Writes a charge's JSON and answers where it ends; NOT_WRITTEN for one that is left to the general way: no key, a fee,
 * metadata, texts with escapes.
 */
export function putCharge(bytes: Buffer, at: number, { origin, fact }: EventBody): number {
  if (fact.type !== "PaymentCharged") return NOT_WRITTEN;
  const { tenant, sub, key, print } = origin;
  const { payment, postings } = fact;
  const { reference } = payment;
  const [debit, credit] = postings;
  if (!debit || !credit || !isPlainCharge(origin, fact) || payment.fee !== 0n || !isEmpty(payment.metadata)) {
    return NOT_WRITTEN;
  }
  if (key === null || print?.length !== PRINT.length || !hasUsualIds(payment)) return NOT_WRITTEN;
  const keyEnd = putText(bytes, head.put(bytes, at, tenant, sub), key);
  if (keyEnd === NOT_WRITTEN) return NOT_WRITTEN;
  let end = middle.put(bytes, keyEnd, payment.payeeType, "");
  if (putText(bytes, keyEnd + PRINT_AT, print) === NOT_WRITTEN) return NOT_WRITTEN;
  bytes.write(payment.id, keyEnd + PAYMENT_AT, "latin1");
  bytes.write(payment.payer, keyEnd + PAYER_AT, "latin1");
  bytes.write(payment.payee, keyEnd + PAYEE_AT, "latin1");
  end = putAmount(bytes, end, payment.amount);
  if (end === NOT_WRITTEN) return NOT_WRITTEN;
  end = currencyPiece.put(bytes, end, payment.currency, "");
  if (reference !== null) {
    bytes.set(REFERENCE, end);
    end = putText(bytes, end + REFERENCE.length, reference);
    if (end === NOT_WRITTEN) return NOT_WRITTEN;
  }
  end = putAmount(bytes, time.put(bytes, end, "", payment.createdAt), debit.balance);
  if (end === NOT_WRITTEN) return NOT_WRITTEN;
  bytes.set(NEXT, end);
  end = putAmount(bytes, end + NEXT.length, credit.balance);
  return end === NOT_WRITTEN ? NOT_WRITTEN : dates.put(bytes, end, debit.date, credit.date);
}

function hasUsualIds({ id, payer, payee }: Payment): boolean {
  return id.length === PAYMENT.length && payer.length === ACCOUNT.length && payee.length === ACCOUNT.length;
}
