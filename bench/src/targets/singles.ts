import { join } from "node:path";
import { checkAnswers, checkBooks } from "../checks.ts";
import { type Child, runLoad, startChild } from "../children.ts";
import { type Figure, figure } from "../figure.ts";
import { commitFloor } from "../floors.ts";
import type { LoadPlan, LoadResult } from "../load/plan.ts";
import { type RunningPeer, startPeers } from "../peers/peer.ts";
import { inRounds, medianOf } from "../rounds.ts";
import { median, type Scale } from "../scale.ts";
import type { LedgerCheck, LedgerServerReady } from "../servers/ledger.ts";
import { cpuSecondsOf } from "./following.ts";

export type LoadTarget = { readonly port: number; readonly token: string; readonly accounts: readonly string[] };
const fakeAccounts = Array.from({ length: 100 }, (_, n) => `acct_${String(n).padStart(26, "0")}`);

let runs = 0;

/** One payment per request on 64 connections, unpaced, unless `more` says otherwise. */
export function singlePlan(on: LoadTarget, seconds: number, more: Partial<LoadPlan> = {}): LoadPlan {
  const size = { perRequest: 1, payments: 1e9, seconds, connections: 64 };
  const from = { port: on.port, token: on.token, accounts: on.accounts, path: "/v1/payments" };
  return { ...from, ...size, hot: null, rate: null, run: `run${runs++}`, ...more };
}

/**
 * One payment per request: P1 spread and hot, P3 on one connection, beside the floors and the peers, all in the same
 * rounds.
 */
export async function measureSingles(folder: string, scale: Scale): Promise<Figure[]> {
  const bare = await startChild<LoadTarget>("servers/bare.ts", {});
  const floor = await startChild<LoadTarget>("servers/floor.ts", {});
  const ledger = await startChild<LedgerServerReady>("servers/ledger.ts", { folder: join(folder, "singles") });
  const { accounts } = await ledger.ask<{ accounts: string[] }>({ ask: "accounts", count: scale.accounts });
  const target = { ...ledger.ready, accounts };
  const rivals = await startPeers(
    [
      { name: "Fastify and SQLite", script: "peers/sqlite.ts", options: { file: join(folder, "peer.sqlite") } },
      { name: "Fastify and MariaDB", script: "peers/mariadb.ts", options: {} },
    ],
    scale.accounts,
  );
  const blind = (child: Child<LoadTarget>) => ({ port: child.ready.port, token: "none", accounts: fakeAccounts });
  const load = (on: LoadTarget, more?: Partial<LoadPlan>) => () => runLoad(singlePlan(on, scale.seconds, more));

  const warmups: LoadResult[] = [];
  const briefly = { seconds: Math.min(3, scale.seconds / 3) };
  for (const on of [target, ...rivals, blind(floor)]) warmups.push(await load(on, briefly)());
  const commits: number[] = [];
  const cpu: number[] = [];
  const spread = async () => {
    const before = await cpuSecondsOf(ledger);
    const result = await load(target)();
    cpu.push((((await cpuSecondsOf(ledger)) - before) / result.acknowledged) * 1e6);
    return result;
  };
  const oneClient = () => {
    commits.push(commitFloor(folder, 1000));
    return load(target, { connections: 1 })();
  };
  const works = new Map<string, () => Promise<LoadResult>>([
    ["bare", load(blind(bare))],
    ["floor", load(blind(floor))],
    ["floor, one", load(blind(floor), { connections: 1 })],
    ["spread", spread],
    ["hot", load(target, { hot: accounts[0] ?? null })],
    ["one", oneClient],
    ...rivals.map((rival) => [rival.name, load(rival)] as const),
  ]);
  const results = await inRounds(scale.rounds, works);
  for (const name of works.keys()) checkAnswers(name, results(name));

  const own = ["spread", "hot", "one"].flatMap((name) => results(name));
  const books = await ledger.ask<LedgerCheck>({ ask: "check" });
  const checked = checkBooks("the ledger", books, [...warmups.slice(0, 1), ...own]);
  for (const [i, rival] of rivals.entries()) {
    const warmup = warmups.slice(i + 1, i + 2);
    checkBooks(rival.name, await rival.books(), [...warmup, ...results(rival.name)]);
  }
  for (const child of [bare, floor, ledger, ...rivals]) await child.stop();
  return singleFigures(results, { commitMs: median(commits), cpu: median(cpu), rivals, checked });
}

type Results = (name: string) => readonly LoadResult[];

function singleFigures(
  results: Results,
  {
    commitMs,
    cpu,
    rivals,
    checked,
  }: { commitMs: number; cpu: number; rivals: readonly RunningPeer[]; checked: string },
): Figure[] {
  const rate = (name: string) => medianOf(results(name), (result) => result.perSecond);
  const p50 = (name: string) => medianOf(results(name), (result) => result.latency.p50Ms);
  const p99 = (name: string) => medianOf(results(name), (result) => result.latency.p99Ms);
  const busy = medianOf(results("spread"), (result) => result.cpuSeconds / result.seconds);
  const rates = [
    { name: "floor: Fastify with nothing behind it", value: rate("floor") },
    { name: "the load's own limit", value: rate("bare") },
    ...rivals.map(({ name }) => ({ name, value: rate(name) })),
  ];
  const latencies = [{ name: "floor", value: p99("floor") }, ...rivals.map(({ name }) => ({ name, value: p99(name) }))];
  const oneFloor = commitMs + p50("floor, one");
  const spread = rate("spread");
  return [
    figure("floor", "one durable commit on this disk, p50", { value: commitMs, unit: "ms" }),
    figure("floor", "one empty round trip, p50", { value: p50("floor, one"), unit: "ms" }),
    figure("P1", "one payment per request, 64 connections, spread", {
      ...{ value: spread, unit: "payments/s", atLeast: 30_000, beside: rates, note: checked },
    }),
    figure("P1", "its p99", { value: p99("spread"), unit: "ms", atMost: 10, beside: latencies }),
    figure("P1", "all to one hot merchant", {
      ...{ value: rate("hot"), unit: "payments/s", atLeast: 0.9 * spread, beside: [{ name: "spread", value: spread }] },
    }),
    figure("P1", "its p99", { value: p99("hot"), unit: "ms", atMost: 10 }),
    figure("P1", "CPU of the load process", { value: busy, unit: "s per second" }),
    figure("P11", "CPU of the write side, one payment per request", { value: cpu, unit: "s per million payments" }),
    figure("P3", "one client, one connection: p50", {
      ...{ value: p50("one"), unit: "ms", atMost: 2 * oneFloor },
      beside: [{ name: "floor: a durable commit and an empty round trip", value: oneFloor }],
    }),
  ];
}
