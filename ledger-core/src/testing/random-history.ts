import type { Command } from "../domain/commands.ts";
import type { LedgerEvent } from "../domain/events.ts";
import type { PaymentId } from "../domain/ids.ts";
import * as examples from "./examples.ts";
import { given } from "./given.ts";

const { account, accountId, opened } = examples;

/** A generator of integers from 0 up to but not including `below`, determined by the seed. */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const WALLETS = 6;
const MERCHANTS = 3;

/** A history of hundreds or thousands of events of all kinds, refusals included, determined by a seed. */
export function randomHistory(seed: number, commands: number): readonly LedgerEvent[] {
  const next = seeded(seed);
  const wallets = Array.from({ length: WALLETS }, (_, n) => accountId(n + 1));
  const merchants = Array.from({ length: MERCHANTS }, (_, n) => accountId(n + 1 + WALLETS));
  const ledger = given(
    ...wallets.map((_, n) => opened(account(n + 1, "wallet", `owner-${n % 4}`, { posted: 0n }))),
    ...merchants.map((_, n) => opened(account(n + 1 + WALLETS, "merchant", `shop-${n}`))),
  );
  const payments: PaymentId[] = [];
  const pick = <T>(from: readonly T[], fallback: T): T => from[next(from.length)] ?? fallback;
  for (let n = 0; n < commands; n++) {
    const wallet = pick(wallets, examples.alice);
    const merchant = pick(merchants, examples.shop);
    const payment = pick(payments, examples.noPayment);
    const amount = BigInt(next(400) + 1);
    const reference = next(3) === 0 ? `ref-${next(5)}` : null;
    const command: Command = pick<() => Command>(
      [
        () => examples.topUp(amount * 5n, { account: wallet }),
        () => examples.pay(amount, { payer: wallet, payee: merchant, reference }),
        () => examples.authorize(amount, { payer: wallet, payee: merchant, metadata: { n: `${n}` } }),
        () => examples.capture(payment, next(2) === 0 ? null : amount, next(2) === 0),
        () => examples.voidOf(payment),
        () => examples.refund(payment, next(2) === 0 ? null : amount),
        () => examples.transfer([[wallet, pick(wallets, examples.bob), amount]], { reference }),
        () => examples.payOut(amount, { account: merchant }),
        () => (next(9) === 0 ? examples.freeze(wallet) : examples.unfreeze(wallet)),
      ],
      () => examples.voidOf(payment),
    )();
    ledger.at(ledger.now() + next(2_000_000) * 1800);
    const before = ledger.events.length;
    ledger.when(command).thenWhatever();
    for (const { fact } of ledger.events.slice(before)) {
      if (fact.type === "PaymentCharged" || fact.type === "PaymentAuthorized") payments.push(fact.payment.id);
    }
  }
  return ledger.events;
}
