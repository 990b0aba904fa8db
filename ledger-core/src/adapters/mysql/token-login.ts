import type { Knex } from "knex";
import { LedgerError } from "../../domain/errors.ts";
import type { EntraTokens } from "../entra/tokens.ts";

/**
 * Logs connections in with tokens: each with the present one, by the plugin that sends it as it is, and so only inside
 * TLS. Connections with an earlier token are replaced when they are next taken from the pool.
 * @throws LedgerError config without TLS
 */
export function tokenLogin(tokens: EntraTokens, isEncrypted: boolean) {
  if (!isEncrypted)
    throw new LedgerError("config", "Entra tokens are sent as they are: the connection to MySQL needs TLS");
  const sent = new WeakMap<object, string>();
  return {
    /** The driver asks for this plugin only when the server does, after TLS has been set up and verified. */
    authPlugins: {
      mysql_clear_password:
        ({ connection }: { readonly connection: object }) =>
        (): Buffer => {
          const token = tokens.reveal();
          sent.set(connection, token);
          return Buffer.from(`${token}\0`);
        },
    },
    isPresent: async (connection: object): Promise<boolean> => sent.get(connection) === (await tokens.current()),
    /** Makes the pool get a token before each login, and log in once more if a server refuses it. */
    attach({ client }: Knex): void {
      const connect: () => Promise<unknown> = client.acquireRawConnection.bind(client);
      client.acquireRawConnection = async () => {
        await tokens.current();
        try {
          return await connect();
        } catch (error) {
          if (!isRefusedLogin(error)) throw error;
          tokens.refused();
          await tokens.current();
          return await connect();
        }
      };
    },
  };
}

function isRefusedLogin(error: unknown): boolean {
  return error instanceof Error && "errno" in error && error.errno === 1045;
}
