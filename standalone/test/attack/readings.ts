import { at } from "../json.ts";
import { type BookLane, type Wallet, walletOwner } from "./books.ts";
import { type AttackClient, type AttackReply, Wrong } from "./client.ts";

const WALLETS_PER_READING = 3;

/**
 * Reads part of a lane through every kind of query and compares the answers with the books. Unreadable data is refused,
 * and the client retries until it is rebuilt. Returns a description of each readable but wrong answer.
 */
export async function misreadings(
  client: AttackClient,
  lane: BookLane,
  draw: (bound: number) => number,
): Promise<string[]> {
  const wallets = Array.from({ length: WALLETS_PER_READING }, () => draw(lane.wallets.length));
  const found: (string | undefined)[] = [await readAccount(client, lane.shop), await readEntries(client, lane.shop)];
  for (const n of wallets) {
    const wallet = lane.wallets[n];
    if (!wallet) continue;
    found.push(await readAccount(client, wallet), await readEntries(client, wallet));
    found.push(await readSession(client, wallet, walletOwner(lane.name, n)));
  }
  const authorization = lane.authorizations[draw(lane.authorizations.length)];
  if (authorization) {
    const reply = await client.get(`/v1/payments/${authorization.id}`);
    const [captured, refunded] = [at(reply.body, "captured"), at(reply.body, "refunded")];
    const right = captured === String(authorization.captured) && refunded === String(authorization.refunded);
    found.push(right ? undefined : misreading(reply, `payment ${authorization.id}`));
  }
  return found.filter((one) => one !== undefined);
}

async function readAccount(client: AttackClient, wallet: Wallet): Promise<string | undefined> {
  const reply = await client.get(`/v1/accounts/${wallet.id}`);
  return sameBalances(at(reply.body, "balances"), wallet) ? undefined : misreading(reply, `account ${wallet.id}`);
}

/** The newest entries: their balances must follow from one another and end at the books'. */
async function readEntries(client: AttackClient, { id, posted }: Wallet): Promise<string | undefined> {
  const reply = await client.get(`/v1/accounts/${id}/entries?limit=5`);
  const entries = at(reply.body, "data");
  if (!Array.isArray(entries)) return misreading(reply, `entries of ${id}`);
  let balance = posted;
  for (const entry of entries) {
    if (at(entry, "balanceAfter") !== String(balance)) return misreading(reply, `entries of ${id}`);
    balance -= BigInt(String(at(entry, "amount")));
  }
  return entries.length === 0 && posted !== 0n ? misreading(reply, `entries of ${id}`) : undefined;
}

async function readSession(client: AttackClient, wallet: Wallet, owner: string): Promise<string | undefined> {
  const reply = await client.get("/v1/me/session", owner);
  const right =
    at(reply.body, "accounts", 0, "id") === wallet.id &&
    sameBalances(at(reply.body, "accounts", 0, "balances"), wallet);
  return right ? undefined : misreading(reply, `session of ${owner}`);
}

function sameBalances(balances: unknown, { posted, held }: Wallet): boolean {
  return at(balances, "posted") === String(posted) && at(balances, "held") === String(held);
}

function misreading(reply: AttackReply, what: string): string {
  if (reply.status >= 500) throw new Wrong(`${what} is answered ${reply.status}: ${reply.text}`);
  return `${what} is answered ${reply.status}: ${reply.text.slice(0, 200)}`;
}
