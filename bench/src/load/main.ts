import { text } from "node:stream/consumers";
import { Connection, type Reply } from "./connection.ts";
import { Latencies } from "./histogram.ts";
import { type LoadPlan, type LoadResult, requestText } from "./plan.ts";

/** A load process: runs the plan that it reads from its input and prints its result as one line of JSON. */
const plan: LoadPlan = JSON.parse(await text(process.stdin));
const created = Buffer.from('"status":201');

const latencies = new Latencies(2_000_000);
const requests = Math.ceil(plan.payments / plan.perRequest);
let sent = 0;
let acknowledged = 0;
let refused = 0;
let firstRefusal: string | null = null;

function countCreated(body: Buffer): number {
  let count = 0;
  for (let at = body.indexOf(created); at >= 0; at = body.indexOf(created, at + created.length)) count++;
  return count;
}

function count(reply: Reply): void {
  const wanted = plan.perRequest;
  const good = wanted === 1 ? (reply.status === 201 ? 1 : 0) : reply.status === 200 ? countCreated(reply.body) : 0;
  acknowledged += good;
  refused += wanted - good;
  if (good < wanted) firstRefusal ??= `${reply.status} ${reply.body.subarray(0, 300)}`;
}

function drive(connection: Connection, startMs: number, until: number): Promise<void> {
  return new Promise((resolve) => {
    const next = (): void => {
      if (sent >= requests || performance.now() >= until) {
        resolve();
        return;
      }
      const due = plan.rate === null ? 0 : startMs + (sent * plan.perRequest * 1000) / plan.rate;
      const waitMs = due - performance.now();
      if (waitMs > 1) {
        setTimeout(next, waitMs);
        return;
      }
      const request = requestText(plan, sent++);
      const began = performance.now();
      connection.send(request, (reply) => {
        latencies.add(performance.now() - began);
        count(reply);
        next();
      });
    };
    next();
  });
}

const lost = (error: Error): void => {
  throw error;
};
const connections = await Promise.all(Array.from({ length: plan.connections }, () => Connection.open(plan.port, lost)));
const cpu = process.cpuUsage();
const began = performance.now();
await Promise.all(connections.map((connection) => drive(connection, began, began + plan.seconds * 1000)));
const seconds = (performance.now() - began) / 1000;
for (const connection of connections) connection.close();
const { user, system } = process.cpuUsage(cpu);
const result: LoadResult = {
  acknowledged,
  refused,
  firstRefusal,
  seconds,
  perSecond: acknowledged / seconds,
  latency: latencies.summary(),
  cpuSeconds: (user + system) / 1e6,
};
process.stdout.write(`${JSON.stringify(result)}\n`);
