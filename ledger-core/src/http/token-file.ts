import { readFileSync } from "node:fs";
import { LedgerError } from "../domain/errors.ts";
import type { IdentityTarget } from "../process/identity-part.ts";
import { openIdVerifier } from "./openid.ts";
import type { ReadinessCheck } from "./operations.ts";
import { type Authenticator, authenticator, parseSigningKeys } from "./tokens.ts";

/** How the callers of a service are authenticated, and whether that is ready. */
export type Identity = {
  readonly authenticate: Authenticator;
  readonly readiness: readonly ReadinessCheck[];
  /** Waits until tokens can be verified. @throws LedgerError not_ready */
  load(): Promise<void>;
};

/** @param tokenKey the embedded key's file. @throws LedgerError config when it is needed and cannot be read */
export function openIdentity(target: IdentityTarget, tokenKey: string): Identity {
  if (target.kind === "embedded")
    return { authenticate: fileAuthenticator(tokenKey), readiness: [], load: async () => {} };
  const { authenticate, readiness, load } = openIdVerifier(target);
  return { authenticate, readiness: [readiness], load };
}

/** Authenticates tokens by the public half of the signing key in a data folder. @throws LedgerError config */
function fileAuthenticator(file: string): Authenticator {
  const keys = parseSigningKeys(readKeyFile(file));
  if (!keys) throw new LedgerError("config", `${file} is no key`);
  return authenticator([keys.publicKey]);
}

/**
 * The text of a key file. @throws LedgerError config when it cannot be read: `ledger start` and `ledger token` make the
 * keys
 */
export function readKeyFile(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new LedgerError("config", `${file} cannot be read; a data folder gets its keys when a ledger starts on it`, {
      cause,
    });
  }
}
