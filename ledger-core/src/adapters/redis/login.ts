import type { Login } from "../../process/entra-login.ts";
import { type EntraTokens, type EntraTuning, openEntraTokens } from "../entra/tokens.ts";
import { expiresAtMs } from "./token.ts";

/** A user with the password or token that is right now. */
export type RedisLogin = EntraTokens & { readonly username: string };

export function openRedisLogin(credentials: Login, tuning: Partial<EntraTuning>): RedisLogin {
  const { username } = credentials;
  if ("entra" in credentials) return { username, ...openEntraTokens(credentials.entra, tuning) };
  const { password } = credentials;
  return {
    username,
    reveal: () => password.reveal(),
    current: async () => password.reveal(),
    expiresAtMs: () => expiresAtMs(password.reveal()),
    // Somebody else renews it.
    refused: () => undefined,
  };
}
