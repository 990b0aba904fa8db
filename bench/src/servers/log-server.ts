import { join } from "node:path";
import { startEventStoreDbServer } from "ledger-core/testing/eventstoredb-server";
import { childOptions, serveParent } from "./child.ts";

/** The stand-in for EventStoreDB, durable, in a process of its own. */
const { folder } = childOptions((value) => value as { readonly folder: string });
const options = { port: 0, host: "127.0.0.1", tls: undefined, user: undefined };
const server = await startEventStoreDbServer({ ...options, data: join(folder, "log-server.sqlite") });
await serveParent(
  { url: server.url },
  async () => ({}),
  () => server.stop(),
);
