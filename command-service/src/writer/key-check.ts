import { type Caller, type ClientCommand, isOldPrint, type LedgerEvent, oldPrint, reject } from "ledger-core";
import { fingerprint, IN_EVENT, isOfCommand } from "../fingerprint.ts";
import { type KeyPlace, unknownPlace } from "../state/keys/known-keys.ts";

/** An idempotency key with the request that it came with, and what is known of its earlier use. */
export type KeyCheck<Known> = KeyPlace & {
  readonly key: string;
  /** Of the request; undefined until somebody asks for it: see `requestPrint`. */
  print: string | undefined;
  readonly request: ClientCommand | { readonly type: "Bulk"; oldPrint?(): string };
  /** The answer that was given under this key, once a load has found it. */
  known: Known | undefined;
};

export function keyCheck<Known>(
  key: string,
  print: string | undefined,
  request: KeyCheck<Known>["request"],
): KeyCheck<Known> {
  return { key, print, request, known: undefined, ...unknownPlace() };
}

/** The print of the request that a key came with: made only where it is stored or compared. */
export function requestPrint(check: KeyCheck<unknown>): string {
  const { request } = check;
  if (check.print === undefined && request.type !== "Bulk") check.print = fingerprint(request);
  return check.print ?? "";
}

/** An event answers a key: it is of the same request, or the key was reused for another one. */
export type KeyMatch = "same" | "reused";

/** How an event answers a key; undefined when it is of another. */
export function matchKey({ tenant, sub }: Caller, check: KeyCheck<unknown>, event: LedgerEvent): KeyMatch | undefined {
  const { origin } = event;
  if (origin.key !== check.key || origin.sub !== sub || origin.tenant !== tenant) return undefined;
  return isOfRequest(check, event) ? "same" : "reused";
}

/**
 * Whether an event is of the request that a key came with, by its print and the function that made it, or by what it
 * holds.
 */
function isOfRequest(check: KeyCheck<unknown>, event: LedgerEvent): boolean {
  const { request } = check;
  const stored = event.origin.print;
  if (stored === null) return false;
  if (stored === IN_EVENT) return request.type !== "Bulk" && isOfCommand(event, request);
  if (!isOldPrint(stored)) return stored === requestPrint(check);
  return stored === (request.type === "Bulk" ? request.oldPrint?.() : fingerprint(request, oldPrint));
}

export const keyReused = reject(
  "idempotency_key_reused",
  "This Idempotency-Key was already used with another request; send a new key for a new request.",
);

/** An item of a bulk must not have the bulk's own key: both could not be answered under it. */
export const keyOfBulk = reject(
  "idempotency_key_reused",
  "An item bears the Idempotency-Key of the bulk itself; give every item a key of its own.",
);
