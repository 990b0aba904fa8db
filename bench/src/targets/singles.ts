import { join } from "node:path";
import { type Child, runLoad, startChild } from "../children.ts";
import type { Figure } from "../figure.ts";
import type { CommitFloor } from "../floors.ts";
import type { LoadPlan, LoadResult } from "../load/plan.ts";
import { median, type Scale } from "../scale.ts";
import type { LedgerCheck, LedgerServerReady } from "../servers/ledger.ts";

type Target = { readonly port: number; readonly token: string; readonly accounts: readonly string[] };
const fakeAccounts = Array.from({ length: 100 }, (_, n) => `acct_${String(n).padStart(26, "0")}`);

let runs = 0;
function plan(on: Target, scale: Scale, more: Partial<LoadPlan> = {}): LoadPlan {
  const size = { perRequest: 1, payments: 1e9, seconds: scale.seconds, connections: 64 };
  const from = { port: on.port, token: on.token, accounts: on.accounts, path: "/v1/payments" };
  return { ...from, ...size, hot: null, rate: null, run: `run${runs++}`, ...more };
}

/** One payment a request: P1 spread and hot, P3 on one connection, beside the floors and the peers. */
export async function measureSingles(
  folder: string,
  scale: Scale,
  commit: CommitFloor,
  peers: readonly Peer[],
): Promise<Figure[]> {
  const [bare, floor] = [
    await startChild<Target>("servers/bare.ts", {}),
    await startChild<Target>("servers/floor.ts", {}),
  ];
  const ledger = await startChild<LedgerServerReady>("servers/ledger.ts", { folder: join(folder, "singles") });
  const { accounts } = await ledger.ask<{ accounts: string[] }>({ ask: "accounts", count: scale.accounts });
  const target = { ...ledger.ready, accounts };
  const blind = (child: Child<Target>) => ({ port: child.ready.port, token: "none", accounts: fakeAccounts });

  await runLoad(plan(target, scale, { seconds: 3 }));
  const results = { bare: [], floor: [], spread: [], hot: [], one: [], floorOne: [] } as Record<string, LoadResult[]>;
  for (let round = 0; round < scale.rounds; round++) {
    results.bare?.push(await runLoad(plan(blind(bare), scale)));
    results.floor?.push(await runLoad(plan(blind(floor), scale)));
    results.spread?.push(await runLoad(plan(target, scale)));
    results.hot?.push(await runLoad(plan(target, scale, { hot: accounts[0] ?? null })));
    results.floorOne?.push(await runLoad(plan(blind(floor), scale, { connections: 1 })));
    results.one?.push(await runLoad(plan(target, scale, { connections: 1 })));
  }
  const check = await ledger.ask<LedgerCheck>({ ask: "check" });
  for (const child of [bare, floor, ledger]) await child.stop();
  const rivals = [];
  for (const peer of peers) rivals.push({ name: peer.name, value: await measurePeer(peer, scale) });

  const rate = (name: string) => median((results[name] ?? []).map((result) => result.perSecond));
  const p50 = (name: string) => median((results[name] ?? []).map((result) => result.latency.p50Ms));
  const p99 = (name: string) => median((results[name] ?? []).map((result) => result.latency.p99Ms));
  const refused = Object.values(results)
    .flat()
    .find((result) => result.firstRefusal);
  if (refused) throw new Error(`an answer was not the one asked for: ${refused.firstRefusal}`);
  const floors = [
    { name: "Fastify with nothing behind it", value: rate("floor") },
    { name: "load alone", value: rate("bare") },
  ];
  const oneFloor = commit.p50Ms + p50("floorOne");
  return [
    figure(
      "P1",
      "one payment a request, 64 connections, spread",
      "payments/s",
      rate("spread"),
      30_000,
      true,
      [...floors, ...rivals],
      checked(check),
    ),
    figure("P1", "its p99", "ms", p99("spread"), 10, false, [{ name: "the floor's p99", value: p99("floor") }], ""),
    figure(
      "P1",
      "one hot merchant",
      "payments/s",
      rate("hot"),
      0.9 * rate("spread"),
      true,
      [{ name: "spread", value: rate("spread") }],
      "",
    ),
    figure(
      "P3",
      "one client, one connection: p50",
      "ms",
      p50("one"),
      2 * oneFloor,
      false,
      [{ name: "a durable commit and an empty round trip", value: oneFloor }],
      "",
    ),
  ];
}

export type Peer = { readonly name: string; readonly script: string; readonly options: object };

async function measurePeer(peer: Peer, scale: Scale): Promise<number> {
  const child = await startChild<{ port: number; token: string }>(peer.script, peer.options);
  const { accounts } = await child.ask<{ accounts: string[] }>({ count: scale.accounts });
  const rates: number[] = [];
  for (let round = 0; round < scale.rounds; round++) {
    rates.push((await runLoad(plan({ ...child.ready, accounts }, scale))).perSecond);
  }
  await child.stop();
  return median(rates);
}

export function checked(check: LedgerCheck): string {
  return `log checked: ${check.payments.toLocaleString("en")} payments, sum ${check.sum}`;
}

export function figure(
  ...[id, what, unit, value, target, more, beside, note]: [
    string,
    string,
    string,
    number,
    number | null,
    boolean,
    Figure["beside"],
    string,
  ]
): Figure {
  return { id, what, unit, value, target, more, beside, note };
}
