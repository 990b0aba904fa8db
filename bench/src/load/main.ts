import { text } from "node:stream/consumers";
import { openConnections } from "./connection.ts";
import { type Drive, driveClosed, drivePaced } from "./driver.ts";
import { type LoadPlan, requestsOf, requestText } from "./plan.ts";
import { startTally } from "./tally.ts";

/** A load process: runs the plan on its input; prints a line of JSON per window, and one for the result. */
const plan: LoadPlan = JSON.parse(await text(process.stdin));
const connections = await openConnections(plan.port, plan.connections);
const print = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
const tally = startTally(plan);
const windowMs = (plan.windowSeconds ?? 0) * 1000;
const windows = windowMs > 0 ? setInterval(() => print({ window: tally.window() }), windowMs) : undefined;
const drive: Drive = {
  connections,
  requests: requestsOf(plan),
  seconds: plan.seconds,
  requestText: (n) => requestText(plan, n),
  onReply: (reply, _n, latencyMs) => tally.count(reply, latencyMs),
};
await (plan.rate === null ? driveClosed(drive) : drivePaced(drive, plan.rate / plan.perRequest));
print({ result: tally.result() });
clearInterval(windows);
for (const connection of connections) connection.close();
