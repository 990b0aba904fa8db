import { type Amount, parseSignedAmount } from "ledger-core";

/** Readers of untrusted JSON: a value of another type is undefined, never converted. */
export function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}

export function listOf(value: unknown, name: string): readonly unknown[] {
  const list = asObject(value)[name];
  return Array.isArray(list) ? list : [];
}

export function textOf(value: unknown, name: string): string | undefined {
  const text = asObject(value)[name];
  return typeof text === "string" ? text : undefined;
}

/** @throws Error if the answer breaks its contract */
export function requireText(value: unknown, name: string): string {
  const text = textOf(value, name);
  if (text === undefined) throw new Error(`the answer has no ${name}: ${JSON.stringify(value)?.slice(0, 200)}`);
  return text;
}

/** @throws Error if it is not a signed amount in minor units */
export function requireAmount(value: unknown, name: string): Amount {
  const amount = parseSignedAmount(asObject(value)[name]);
  if (amount === undefined)
    throw new Error(`the answer's ${name} is no amount: ${JSON.stringify(value)?.slice(0, 200)}`);
  return amount;
}

/** @throws Error if it is not a number */
export function requireNumber(value: unknown, name: string): number {
  const number = asObject(value)[name];
  if (typeof number !== "number") throw new Error(`the answer has no number ${name}: ${JSON.stringify(value)}`);
  return number;
}
