import { randomUUID } from "node:crypto";
import { binaryEvent, EventStoreDBClient, NO_STREAM } from "@eventstore/db-client";

/** How the client alone appends: batches of one size, each at the revision that it expects, one after the other. */
export type ClientPlan = {
  readonly url: string;
  readonly stream: string;
  readonly eventsPerAppend: number;
  readonly bytesPerEvent: number;
  readonly seconds: number;
};
export type ClientResult = { readonly perSecond: number };

const METADATA_BYTES = 43;

await main();

async function main(): Promise<void> {
  let text = "";
  for await (const chunk of process.stdin) text += String(chunk);
  const plan: ClientPlan = JSON.parse(text);
  const client = EventStoreDBClient.connectionString(plan.url);
  const data = new Uint8Array(plan.bytesPerEvent).fill(65);
  const metadata = new Uint8Array(METADATA_BYTES).fill(1);
  let expected: bigint | typeof NO_STREAM = NO_STREAM;

  async function append(): Promise<void> {
    const events = Array.from({ length: plan.eventsPerAppend }, () =>
      binaryEvent({ id: randomUUID(), type: "PaymentCharged", data, metadata }),
    );
    const { nextExpectedRevision } = await client.appendToStream(plan.stream, events, { expectedRevision: expected });
    expected = nextExpectedRevision;
  }

  const warmUntil = performance.now() + Math.min(3000, plan.seconds * 333);
  while (performance.now() < warmUntil) await append();
  const began = performance.now();
  let appended = 0;
  while (performance.now() - began < plan.seconds * 1000) {
    await append();
    appended += plan.eventsPerAppend;
  }
  const perSecond = (appended / (performance.now() - began)) * 1000;
  await client.dispose();
  process.stdout.write(`${JSON.stringify({ result: { perSecond } })}\n`);
}
