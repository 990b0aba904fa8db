import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { signToken } from "ledger-core/http/tokens";
import { openDataFolder } from "../../src/data-folder.ts";
import { at, listAt } from "../json.ts";
import { type BookLane, type Wallet, walletOwner } from "./books.ts";
import { type AttackClient, makeClient, type Outages, type Tokens } from "./client.ts";
import { type Snapshot, type Target, takeSnapshot } from "./damage.ts";
import { makeSubject } from "./subject.ts";

/**
 * A ledger with thousands of events, its books, and earlier snapshots of its files; every run of rounds starts with a
 * copy.
 */
export type Template = {
  readonly tokens: Tokens;
  readonly lanes: readonly BookLane[];
  readonly snapshots: readonly Snapshot[];
  /** Copies it to a folder. */
  copyTo(data: string): void;
};

const LANES = 8;
/** More than a few pages of the decision state. */
const WALLETS_PER_LANE = 50;
const STEPS = 150;
const FUNDS = 200n;

export async function makeTemplate(folder: string, target: Target, draw: (bound: number) => number): Promise<Template> {
  const data = join(folder, "template");
  mkdirSync(data);
  const { signingKeys } = await openDataFolder(data);
  const known = new Map<string, Promise<string>>();
  const tokens: Tokens = (owner) => {
    const [role, sub] = owner === undefined ? (["operator", "attack"] as const) : (["consumer", owner] as const);
    const token = known.get(sub) ?? signToken({ tenant: "default", role, sub, ttlSeconds: 86_400 }, signingKeys);
    known.set(sub, token);
    return token;
  };
  const subject = makeSubject(data);
  const outages: Outages = { refusals: 0, reasons: new Map() };
  await subject.start("whole");
  const client = makeClient(subject, tokens, outages, draw);
  const lanes = await Promise.all(Array.from({ length: LANES }, (_, n) => openLane(client, `lane-${n}`)));
  const snapshots: Snapshot[] = [];
  for (let part = 0; part < 3; part++) {
    await Promise.all(lanes.map((lane) => client.run(lane, STEPS / 3)));
    snapshots.push(takeSnapshot(data, target));
  }
  await subject.stop();
  await subject.kill();
  return {
    tokens,
    lanes,
    snapshots,
    copyTo(to) {
      rmSync(to, { recursive: true, force: true });
      cpSync(data, to, { recursive: true });
    },
  };
}

async function openLane(client: AttackClient, name: string): Promise<BookLane> {
  const open = async (type: string, n: number): Promise<Wallet> => {
    const key = `open-${name}-${type}-${n}`;
    const reply = await client.post("/v1/accounts", key, {
      type,
      currency: "HKD",
      owner: type === "wallet" ? walletOwner(name, n) : `shop-${name}`,
    });
    return { id: String(at(reply.body, "id")), posted: type === "wallet" ? FUNDS : 0n, held: 0n };
  };
  const wallets = await Promise.all(Array.from({ length: WALLETS_PER_LANE }, (_, n) => open("wallet", n)));
  const items = wallets.map(({ id }, n) => ({
    ...{ idempotencyKey: `fund-${name}-${n}`, command: "top-up", account: id, rail: "fps" },
    ...{ amount: String(FUNDS), currency: "HKD" },
  }));
  const funded = await client.post("/v1/bulk", `fund-${name}`, { mode: "each", items });
  const failed = listAt(funded.body, "results").filter((result) => at(result, "status") !== 201);
  if (failed.length > 0) throw new Error(`not funded: ${funded.text}`);
  return { name, wallets, shop: await open("merchant", 0), authorizations: [], answered: [], keys: 0 };
}
