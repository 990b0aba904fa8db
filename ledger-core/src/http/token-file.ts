import { readFileSync } from "node:fs";
import { LedgerError } from "../domain/errors.ts";
import type { IdentityTarget } from "../process/identity-part.ts";
import { openIdVerifier } from "./openid.ts";
import type { ReadinessCheck } from "./operations.ts";
import {
  type Authenticator,
  authenticator,
  embeddedIds,
  parseSigningKeys,
  type RevokedTokens,
  sessionOf,
  TOKEN_DAYS_MAX,
  type TokenSession,
} from "./tokens.ts";

/** How the callers of a service are authenticated, and whether that is ready. */
export type Identity = {
  readonly authenticate: Authenticator;
  readonly readiness: readonly ReadinessCheck[];
  readonly sessions: TokenSessions;
  /** Waits until tokens can be verified. @throws LedgerError not_ready */
  load(): Promise<void>;
};

/** How tokens can be revoked. */
export type TokenSessions = {
  /** The ids of a token that was verified before. */
  of(token: string): TokenSession;
  /** Tokens that were made for longer are refused. */
  readonly daysMax: number;
};

export const embeddedSessions: TokenSessions = {
  of: (token) => sessionOf(token, embeddedIds),
  daysMax: TOKEN_DAYS_MAX,
};

/** @param tokenKey the embedded key's file. @throws LedgerError config when it is needed and cannot be read */
export function openIdentity(target: IdentityTarget, tokenKey: string, revocations?: RevokedTokens): Identity {
  const options = revocations && { revocations };
  if (target.kind === "embedded") {
    const keys = parseSigningKeys(readKeyFile(tokenKey));
    if (!keys) throw new LedgerError("config", `${tokenKey} is no key`);
    const authenticate = authenticator([keys.publicKey], options);
    return { authenticate, readiness: [], load: async () => {}, sessions: embeddedSessions };
  }
  const { authenticate, readiness, load } = openIdVerifier(target, options);
  const { claims, tokenDays } = target;
  const sessions = { of: (token: string) => sessionOf(token, claims), daysMax: tokenDays };
  return { authenticate, readiness: [readiness], load, sessions };
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
