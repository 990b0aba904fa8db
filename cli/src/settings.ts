import type { Role } from "ledger-core";
import { signToken } from "ledger-core/http/tokens";
import { optionalSecret, readSettings, textOr } from "ledger-core/process/env";
import { openDataFolder } from "standalone/data-folder";
import { readServerFile } from "standalone/server-file";

/** The default data folder. */
export const DEFAULT_DATA = readSettings({ LEDGER_DATA: textOr("./data") }).LEDGER_DATA;
export const DEFAULT_HOST = "127.0.0.1";
export const DEFAULT_PORT = 8080;
export const DEFAULT_TENANT = "default";
const TOKEN_TTL_SECONDS = 12 * 3600;

/** How a client command connects to a ledger: URL and token. */
export type Access = { readonly url: string; readonly token: string };

/**
 * The URL is the one given, or that of the server running on the data folder, or the default. The token is
 * LEDGER_TOKEN, or one with this role, signed with the folder's key.
 */
export async function resolveAccess(options: {
  url?: string;
  data?: string;
  sub: string;
  role: Role;
}): Promise<Access> {
  const { LEDGER_TOKEN: given } = readSettings({ LEDGER_TOKEN: optionalSecret({ lengthMin: 20 }) });
  const dir = options.data ?? DEFAULT_DATA;
  const url = options.url ?? readServerFile(dir)?.url ?? `http://${DEFAULT_HOST}:${DEFAULT_PORT}`;
  if (given !== undefined && options.data === undefined) return { url, token: given.reveal() };
  const { signingKeys } = await openDataFolder(dir, { make: false });
  const { sub, role } = options;
  const caller = { tenant: DEFAULT_TENANT, role, sub, ttlSeconds: TOKEN_TTL_SECONDS };
  return { url, token: await signToken(caller, signingKeys) };
}
