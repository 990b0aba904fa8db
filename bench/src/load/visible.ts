import { text } from "node:stream/consumers";
import { type Connection, openConnections } from "./connection.ts";
import { drivePaced } from "./driver.ts";
import { keepLatencies, type LatencySummary } from "./histogram.ts";
import { getText, type LoadPlan, type LoadResult, partiesOf, requestsOf, requestText } from "./plan.ts";
import { type HttpReply, headerOf } from "./reply.ts";
import { startTally } from "./tally.ts";

/** Payments at the plan's rate; for every `every`th one, measures when a query at its position shows it. */
export type VisiblePlan = LoadPlan & {
  readonly rate: number;
  readonly every: number;
  readonly readers: number;
  /**
   * Where queries are served. Default: where payments are. There, a payment that is not visible within 10 s is counted
   * as late instead of ending the run.
   */
  readonly reads?: { readonly port: number; readonly token: string };
};
/** `visible`: from a payment's answer to the query's, including the wait for a free reader. */
export type VisibleResult = {
  readonly load: LoadResult;
  readonly visible: LatencySummary;
  readonly late: number;
  /** Each read but the late ones; times in ms since the epoch. */
  readonly samples: readonly {
    readonly revision: number;
    readonly answeredMs: number;
    readonly visibleMs: number;
  }[];
};

/** An answered payment: its position in the log, and the account whose history shows it. */
type Answered = { readonly account: string; readonly position: string; readonly answeredMs: number };

/** Small pages, since the reads compete with the payments for the server. */
const PAGE = 20;

const plan: VisiblePlan = JSON.parse(await text(process.stdin));
const connections = await openConnections(plan.port, plan.connections);
const queries = plan.reads ?? plan;
const readers = await openConnections(queries.port, plan.readers);
const visible = keepLatencies(1_000_000);
const samples: VisibleResult["samples"][number][] = [];
const idle = [...readers];
const waiting: Answered[] = [];
const allRead = Promise.withResolvers<void>();
let reads = 0;
let late = 0;
let sending = true;

function read(reader: Connection, answered: Answered): void {
  const { account, position, answeredMs } = answered;
  const inHistory = reads++ % 2 === 0;
  const path = `/v1/accounts/${account}/${inHistory ? `entries?limit=${PAGE}` : "balance"}`;
  const asked = [`Ledger-Position: ${position}`, "Ledger-Wait: 10000"];
  reader.send(getText(path, queries.token, asked), (reply) => {
    const visibleMs = performance.now();
    visible.add(visibleMs - answeredMs);
    if (plan.reads && reply.status === 503) {
      late++;
    } else {
      checkRead(reply, position, inHistory);
      const [from, to] = [performance.timeOrigin + answeredMs, performance.timeOrigin + visibleMs];
      samples.push({ revision: revisionOf(position), answeredMs: from, visibleMs: to });
    }
    const next = waiting.shift();
    if (next) return read(reader, next);
    idle.push(reader);
    if (!sending && idle.length === readers.length) allRead.resolve();
  });
}

/** @throws if a query does not answer as expected, since the figure would measure something else */
function checkRead(reply: HttpReply, position: string, inHistory: boolean): void {
  const served = headerOf(reply, "ledger-position");
  const reached = revisionOf(served) >= revisionOf(position);
  if (reply.status !== 200 || !reached)
    throw new Error(`asked for ${position}, served ${served}: ${reply.status} ${reply.body.subarray(0, 300)}`);
  if (inHistory && !reply.body.includes(`"position":"${position}"`) && !isBehindPage(reply, position))
    throw new Error(`the history at ${served} lacks the entry of ${position}`);
}

/** Whether a full page holds only newer entries, so that the entry of this position is on a later page. */
function isBehindPage(reply: HttpReply, position: string): boolean {
  const { data }: { data: { position: string }[] } = JSON.parse(reply.body.toString());
  const oldest = data.at(-1)?.position;
  return data.length === PAGE && revisionOf(oldest) > revisionOf(position);
}

function revisionOf(position: string | undefined): number {
  return Number(position?.split(":")[1]);
}

const tally = startTally(plan);
await drivePaced(
  {
    connections,
    requests: requestsOf(plan),
    seconds: plan.seconds,
    requestText: (n) => requestText(plan, n),
    onReply(reply, n, latencyMs) {
      tally.count(reply, latencyMs);
      const position = headerOf(reply, "ledger-position");
      if (n % plan.every !== 0 || position === undefined) return;
      const answered = { account: partiesOf(plan, n).payee, position, answeredMs: performance.now() };
      // In turn: a server closes a connection that sends nothing for long.
      const reader = idle.shift();
      if (reader) read(reader, answered);
      else waiting.push(answered);
    },
  },
  plan.rate,
);
const load = tally.result();
sending = false;
if (idle.length < readers.length) await allRead.promise;
const result: VisibleResult = { load, visible: visible.summary(), late, samples };
process.stdout.write(`${JSON.stringify({ result })}\n`);
for (const connection of [...connections, ...readers]) connection.close();
