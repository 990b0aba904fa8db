import { readFileSync } from "node:fs";
import { LedgerError } from "../domain/errors.ts";
import { type Authenticator, authenticator, parseSigningKeys } from "./tokens.ts";

/** Authenticates tokens by the public half of the signing key in a data folder. @throws LedgerError config */
export function fileAuthenticator(file: string): Authenticator {
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
