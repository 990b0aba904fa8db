import { signToken } from "ledger-core/http/tokens";
import { createLogger } from "ledger-core/process";
import { startStandalone } from "standalone";
import { openDataFolder } from "standalone/data-folder";
import { childOptions, memory, serveParent } from "./child.ts";

export type WholeServerOptions = { readonly folder: string; readonly exports?: boolean };
export type WholeServerReady = { readonly port: number; readonly token: string };
export type WholeQuestion =
  | { readonly ask: "accounts"; readonly count: number }
  | { readonly ask: "positions" | "behind" | "memory" };
/** The revisions of the log and of each projection. */
export type WholePositions = { readonly head: number; readonly projections: Readonly<Record<string, number>> };

/** The whole ledger as `npm start` runs it: commands, queries, and the projections in their own thread. */
const { folder, exports = false } = childOptions((value) => value as WholeServerOptions);
const { url, stop } = await startStandalone({
  dataDir: folder,
  port: 0,
  logger: createLogger({ name: "bench", level: "error" }),
  ...(exports && { exported: { startAfterMs: 0 } }),
});
const { signingKeys } = await openDataFolder(folder);
const tokenOf = (role: "operator" | "platform") =>
  signToken({ tenant: "bench", role, sub: "bench", ttlSeconds: 86_400 }, signingKeys);
const token = await tokenOf("operator");
const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
const ready: WholeServerReady = { port: Number(new URL(url).port), token };
await serveParent(ready, answer, stop);

async function answer(question: unknown): Promise<object> {
  const asked = question as WholeQuestion;
  switch (asked.ask) {
    case "accounts":
      return { accounts: await openAccounts(asked.count) };
    case "positions":
      return positions();
    case "behind":
      return { events: await behind() };
    case "memory":
      return memory();
    default:
      return asked satisfies never;
  }
}

/** Events that the exported table furthest behind does not hold; null if a busy server does not say. */
async function behind(): Promise<number | null> {
  const authorization = `Bearer ${await tokenOf("platform")}`;
  const response = await fetch(`${url}/metrics`, { headers: { authorization } }).catch(() => undefined);
  const events = /^export_behind_events (\d+)$/m.exec((await response?.text()) ?? "")?.[1];
  return events === undefined ? null : Number(events);
}

/** Wallets without a floor, so that no payment is refused. */
async function openAccounts(count: number): Promise<string[]> {
  const open = async (n: number): Promise<string> => {
    const account = { type: "wallet", currency: "HKD", owner: `owner-${n}`, limits: { floor: null } };
    const request = { method: "POST", headers: { ...headers, "idempotency-key": `open-${n}` } };
    const response = await fetch(`${url}/v1/accounts`, { ...request, body: JSON.stringify(account) });
    const { id }: { id?: string } = JSON.parse(await response.text());
    if (!id) throw new Error(`an account was not opened: ${response.status}`);
    return id;
  };
  const opened: string[] = [];
  for (let first = 0; first < count; first += 100) {
    const length = Math.min(100, count - first);
    opened.push(...(await Promise.all(Array.from({ length }, (_, i) => open(first + i)))));
  }
  return opened;
}

async function positions(): Promise<WholePositions> {
  const response = await fetch(`${url}/admin/positions`, { headers });
  const told: { log: { head: number }[]; projections: { name: string; revision: number }[] } = JSON.parse(
    await response.text(),
  );
  const projections = Object.fromEntries(told.projections.map(({ name, revision }) => [name, revision]));
  return { head: told.log[0]?.head ?? -1, projections };
}
