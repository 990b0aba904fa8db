import { type Caller, type ClientCommand, isOldPrint, type LedgerEvent, oldPrint, reject } from "ledger-core";
import { fingerprint, IN_EVENT, isOfCommand } from "../fingerprint.ts";
import { type KeyPlace, unknownPlace } from "../state/keys/known-keys.ts";

/** An idempotency key, its request, and what is known about an earlier use of the key. */
export type KeyCheck<Known> = KeyPlace & {
  readonly key: string;
  /** The request's print; undefined until `requestPrint` computes it. */
  print: string | undefined;
  readonly request: ClientCommand | { readonly type: "Bulk"; oldPrint?(): string };
  /** The earlier answer under this key, once a load has found it. */
  known: Known | undefined;
};

export function keyCheck<Known>(
  key: string,
  print: string | undefined,
  request: KeyCheck<Known>["request"],
): KeyCheck<Known> {
  return { key, print, request, known: undefined, ...unknownPlace() };
}

/** The print of a key's request, computed only when it is stored or compared. */
export function requestPrint(check: KeyCheck<unknown>): string {
  const { request } = check;
  if (check.print === undefined && request.type !== "Bulk") check.print = fingerprint(request);
  return check.print ?? "";
}

/** `same`: the event answers the same request; `reused`: the key was used for another request. */
export type KeyMatch = "same" | "reused";

/** How an event answers a key; undefined if it has another key. */
export function matchKey({ tenant, sub }: Caller, check: KeyCheck<unknown>, event: LedgerEvent): KeyMatch | undefined {
  const { origin } = event;
  if (origin.key !== check.key || origin.sub !== sub || origin.tenant !== tenant) return undefined;
  return isOfRequest(check, event) ? "same" : "reused";
}

/** Whether an event answers this request: compares prints, or the command with the event itself. */
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

/** An item must not have its bulk's key: one key cannot answer both. */
export const keyOfBulk = reject(
  "idempotency_key_reused",
  "An item has the Idempotency-Key of the bulk itself; give every item a key of its own.",
);
