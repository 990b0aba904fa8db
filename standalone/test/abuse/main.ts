import { parseArgs } from "node:util";
import { type AbuseReport, abuse, type Window } from "./abuse.ts";

const usage = `npm run abuse -- [--minutes N] [--seed N] [--only ACT]

Abuses a real \`ledger start\` on a temporary folder for so many minutes (default 2): half-sent headers and bodies,
resets, pipelined garbage, slow headers, giant bulks, floods of keys, kinds, rails and accounts, many connections,
waiting queries. Beside it an honest client pays, queries and repeats keys; every answer is held against its own books.
Prints a line for each ten seconds, what the abusers were told, and how SIGTERM went while they were still at it.
Loopback only. Ends with 1 when an honest answer was wrong or refused, the server died, or its stop was not in order.
--only names a part of an act, to see what costs what.`;

const header = [
  "s",
  "p50 ms",
  "p99 ms",
  "max ms",
  "payments",
  "queries",
  "refused",
  "wrong",
  "rss MiB",
  "fds",
  "loop ms",
];

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "2" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
    only: { type: "string", default: "" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  process.stdout.write(`${usage}\n`);
  process.exit(0);
}
const [minutes, seed] = [Number(values.minutes), Number(values.seed)];
if (!(minutes > 0 && minutes <= 24 * 60)) throw new Error(`--minutes takes a number up to 1440, not ${values.minutes}`);

process.stdout.write(`${minutes} minutes of abuse, seed ${seed}\n${line(header)}\n`);
const onWindow = (window: Window) => process.stdout.write(`${line(cells(window))}\n`);
const report = await abuse({ seconds: minutes * 60, seed, windowSeconds: 10, only: values.only, onWindow });
process.stdout.write(`${tell(report).join("\n")}\n`);
const { windows, died, stop } = report;
const held = windows.every(({ refused, wrong }) => refused.length === 0 && wrong.length === 0);
process.exitCode = held && died === undefined && stop.code === 0 && stop.ms < 10_000 ? 0 : 1;
// Only sockets that the server has closed are left.
process.exit();

function tell({ windows, answers, died, stop }: AbuseReport): readonly string[] {
  const refused = windows.flatMap((window) => window.refused);
  const wrong = windows.flatMap((window) => window.wrong);
  const told = (name: string, latencies: number[]) =>
    `honest ${name}: ${latencies.length} answered, ${times(latencies)}`;
  return [
    told(
      "payments",
      windows.flatMap((window) => window.payments),
    ),
    told(
      "queries",
      windows.flatMap((window) => window.queries),
    ),
    `honest answers refused ${refused.length}, wrong ${wrong.length}`,
    ...[...refused.slice(0, 5), ...wrong.slice(0, 5)].map((text) => `  ${text.slice(0, 300)}`),
    "the abusers were told:",
    ...[...answers].map(
      ([name, counts]) => `  ${name}: ${[...counts].map(([said, count]) => `${said} ${count} times`).join(", ")}`,
    ),
    died === undefined ? "the server lived" : `the server died: ${died}`,
    `SIGTERM: exit code ${stop.code} after ${Math.round(stop.ms)} ms`,
    ...(stop.code === 0 ? [] : [stop.printed]),
  ];
}

function times(latencies: readonly number[]): string {
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number) =>
    (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(1);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms`;
}

function cells(window: Window): readonly string[] {
  const { atSeconds, payments, queries, refused, wrong, rssBytes, descriptors, loopMs } = window;
  const sorted = payments.toSorted((a, b) => a - b);
  const at = (share: number) =>
    (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(1);
  const counts = [payments.length, queries.length, refused.length, wrong.length].map(String);
  const server = [(rssBytes / 2 ** 20).toFixed(0), String(descriptors), loopMs.toFixed(0)];
  return [String(atSeconds), at(0.5), at(0.99), at(1), ...counts, ...server];
}

function line(texts: readonly string[]): string {
  return texts.map((text) => text.padStart(9)).join(" ");
}
