import type { AccountId, Build } from "ledger-core";
import { FOREVER, type GremlinClient, PAYERS_KEPT, placeOf } from "ledger-core/gremlin";

/** A merchant's edges back to its payers are trimmed when there are more than this. */
const TRIM_ABOVE = PAYERS_KEPT + 800;
/** Edges that one request drops. */
const DROP_MAX = 500;

const merchant = "g.V().has('pk',p).has('id',i).outE('paidBy')";
const countText = `${merchant}.limit(n).count()`;
const oldestKeptText = `${merchant}.has('until',u).order().by('event',desc).range(n,o).values('event')`;
const dropText = `${merchant}.has('event',lte(e)).limit(n).drop()`;
const leftText = `${merchant}.has('event',lte(e)).limit(n).count()`;

/**
 * Drops the oldest edges from merchants back to their payers, beyond those that a recommendation looks at, so that a
 * merchant whom everybody pays does not make it slow. Readers do not notice when.
 * @param added per merchant, the edges added since they were last counted; none at first
 */
export async function trimPayers(
  client: GremlinClient,
  build: Build,
  added: Map<AccountId, number>,
  paid: ReadonlyMap<AccountId, number>,
): Promise<void> {
  for (const [account, count] of paid) {
    const { partition, id } = placeOf(build, account);
    const place = { p: partition, i: id };
    const before = added.get(account);
    const now = before === undefined ? await counted(client, place) : before + count;
    if (now > TRIM_ABOVE) {
      await trim(client, place);
      added.set(account, PAYERS_KEPT);
    } else {
      added.set(account, now);
    }
  }
  if (added.size > 100_000) added.clear();
}

type Merchant = { readonly p: string; readonly i: string };

async function counted(client: GremlinClient, place: Merchant): Promise<number> {
  const [count] = await client.submit(countText, { ...place, n: TRIM_ABOVE + 1 });
  return Number(count);
}

async function trim(client: GremlinClient, place: Merchant): Promise<void> {
  const oldest = { ...place, u: FOREVER, n: PAYERS_KEPT, o: PAYERS_KEPT + 1 };
  const [event] = await client.submit(oldestKeptText, oldest);
  // More have ended than are left.
  if (typeof event !== "string") return;
  const older = { ...place, e: event, n: DROP_MAX };
  while (Number((await client.submit(leftText, older))[0]) > 0) await client.submit(dropText, older);
}
