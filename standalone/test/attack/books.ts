/** The checking client's own books, in plain sums; they share nothing with the ledger but the terms of its API. */
export type Wallet = { readonly id: string; posted: bigint; held: bigint };

/** An authorization, and its state. */
export type Authorization = {
  readonly id: string;
  readonly payer: Wallet;
  held: bigint;
  captured: bigint;
  refunded: bigint;
};

/** A command with its answer: the same key must get the same bytes forever. */
export type Answered = {
  readonly path: string;
  readonly key: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly status: number;
  readonly text: string;
};

/**
 * Accounts that only one lane moves money between, one command after another, so that the books predict every answer.
 */
export type BookLane = {
  readonly name: string;
  readonly wallets: readonly Wallet[];
  readonly shop: Wallet;
  readonly authorizations: Authorization[];
  readonly answered: Answered[];
  keys: number;
};

export type Step = {
  readonly path: string;
  readonly key: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** Any other answer is a wrong decision. */
  readonly expected: { readonly status: number; readonly code?: string; readonly text?: string };
  /** Books the effect of the answer. */
  book(id: string): void;
};

/** Each wallet has a separate owner, so that a session shows only that wallet. */
export function walletOwner(lane: string, n: number): string {
  return `${lane}-${n}`;
}

type Draw = (bound: number) => number;

/** The lane's next command, drawn at random among those with a predictable answer. */
export function nextStep(lane: BookLane, draw: Draw): Step {
  const kinds = [
    pay,
    pay,
    pay,
    payTooMuch,
    payTooMuch,
    authorize,
    capture,
    captureTooMuch,
    voidIt,
    refund,
    repeat,
    repeat,
    reuse,
  ];
  return kinds[draw(kinds.length)]?.(lane, draw) ?? pay(lane, draw);
}

export function available({ posted, held }: Wallet): bigint {
  return posted - held;
}

const CURRENCY = "HKD";

function pay(lane: BookLane, draw: Draw): Step {
  const payer = walletOf(lane, draw);
  if (available(payer) === 0n) return payTooMuch(lane, draw);
  const payee = draw(2) === 0 ? lane.shop : (lane.wallets.find((wallet) => wallet !== payer) ?? lane.shop);
  const amount = amountUpTo(available(payer), draw);
  return made(lane, "/v1/payments", { ...parties(payer, payee), amount: String(amount) }, () => {
    payer.posted -= amount;
    payee.posted += amount;
  });
}

function payTooMuch(lane: BookLane, draw: Draw): Step {
  const payer = walletOf(lane, draw);
  // Also far too much: a balance altered on disk must not pay for it.
  const amount = available(payer) + (draw(2) === 0 ? 1n : 1_000_000n);
  const body = { ...parties(payer, lane.shop), amount: String(amount) };
  return refused(lane, "/v1/payments", body, 422, "insufficient_funds");
}

function authorize(lane: BookLane, draw: Draw): Step {
  const payer = walletOf(lane, draw);
  if (available(payer) === 0n) return payTooMuch(lane, draw);
  const amount = amountUpTo(available(payer), draw);
  const body = { ...parties(payer, lane.shop), amount: String(amount), capture: "manual" };
  return made(lane, "/v1/payments", body, (id) => {
    payer.held += amount;
    lane.authorizations.push({ id, payer, held: amount, captured: 0n, refunded: 0n });
  });
}

function capture(lane: BookLane, draw: Draw): Step {
  const one = authorizationOf(lane, draw, ({ held }) => held > 0n);
  if (!one) return authorize(lane, draw);
  const amount = amountUpTo(one.held, draw);
  return made(
    lane,
    `/v1/payments/${one.id}/capture`,
    { amount: String(amount) },
    () => {
      one.payer.held -= amount;
      one.payer.posted -= amount;
      lane.shop.posted += amount;
      one.held -= amount;
      one.captured += amount;
    },
    200,
  );
}

function captureTooMuch(lane: BookLane, draw: Draw): Step {
  const one = authorizationOf(lane, draw, ({ held }) => held > 0n);
  if (!one) return authorize(lane, draw);
  const body = { amount: String(one.held + 1n) };
  return refused(lane, `/v1/payments/${one.id}/capture`, body, 422, "capture_exceeds_authorized");
}

function voidIt(lane: BookLane, draw: Draw): Step {
  const one = authorizationOf(lane, draw, ({ held }) => held > 0n);
  if (!one) return authorize(lane, draw);
  return made(
    lane,
    `/v1/payments/${one.id}/void`,
    {},
    () => {
      one.payer.held -= one.held;
      one.held = 0n;
    },
    200,
  );
}

function refund(lane: BookLane, draw: Draw): Step {
  const one = authorizationOf(lane, draw, ({ captured, refunded }) => captured > refunded);
  if (!one) return authorize(lane, draw);
  const left = one.captured - one.refunded;
  const path = `/v1/payments/${one.id}/refunds`;
  if (draw(3) === 0) return refused(lane, path, { amount: String(left + 1n) }, 422, "refund_exceeds_captured");
  const amount = amountUpTo(left, draw);
  return made(lane, path, { amount: String(amount) }, () => {
    lane.shop.posted -= amount;
    one.payer.posted += amount;
    one.refunded += amount;
  });
}

/** Repeats any earlier key; the answer must have the same bytes. */
function repeat(lane: BookLane, draw: Draw): Step {
  const one = lane.answered[draw(lane.answered.length)];
  if (!one) return pay(lane, draw);
  const { path, key, body, status, text } = one;
  return { path, key, body, expected: { status, text }, book: () => {} };
}

function reuse(lane: BookLane, draw: Draw): Step {
  const one = lane.answered[draw(lane.answered.length)];
  if (!one) return pay(lane, draw);
  const { path, key, body } = one;
  const other = path.endsWith("/void")
    ? { path: "/v1/payments", body: { ...parties(walletOf(lane, draw), lane.shop), amount: "1" } }
    : { path, body: { ...body, amount: "123456789" } };
  return { ...other, key, expected: { status: 422, code: "idempotency_key_reused" }, book: () => {} };
}

type Body = Step["body"];

function made(lane: BookLane, path: string, body: Body, book: (id: string) => void, status = 201): Step {
  return { path, key: keyOf(lane), body, expected: { status }, book };
}

function refused(lane: BookLane, path: string, body: Body, status: number, code: string): Step {
  return { path, key: keyOf(lane), body, expected: { status, code }, book: () => {} };
}

function keyOf(lane: BookLane): string {
  lane.keys++;
  return `${lane.name}-${lane.keys}`;
}

function parties(payer: Wallet, payee: Wallet): Body {
  return { payer: payer.id, payee: payee.id, currency: CURRENCY };
}

function walletOf(lane: BookLane, draw: Draw): Wallet {
  return lane.wallets[draw(lane.wallets.length)] ?? lane.shop;
}

function authorizationOf(lane: BookLane, draw: Draw, fits: (one: Authorization) => boolean): Authorization | undefined {
  const fitting = lane.authorizations.filter(fits);
  return fitting[draw(fitting.length)];
}

function amountUpTo(most: bigint, draw: Draw): bigint {
  return BigInt(1 + draw(Number(most < 9n ? most : 9n)));
}
