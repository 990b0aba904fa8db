import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { isLedgerError } from "../../domain/errors.ts";
import { NO_REVISION } from "../../domain/position.ts";
import type { NewEvent } from "../../ports/event-log.ts";
import { integer, readSettings } from "../../process/env.ts";
import { freePort } from "../../testing/engines/child-engine.ts";
import { asNew, makeEvents, range, readAll } from "../../testing/event-log-events.ts";
import type { AppendFault, ReadFault } from "../../testing/eventstoredb-server/faults.ts";
import { startEventStoreDbServer } from "../../testing/eventstoredb-server/server.ts";
import { seeded } from "../../testing/random-history.ts";
import { openEventStoreDb } from "./log.ts";

const settings = readSettings({
  LEDGER_SEED: integer({ min: 0, max: 2 ** 31, otherwise: Math.floor(Math.random() * 2 ** 31) }),
  LEDGER_LOG_FAULTS: integer({ min: 1, max: 100_000, otherwise: 60 }),
});
const seed = settings.LEDGER_SEED;

const appendFaults: readonly AppendFault[] = [
  ...(["silence", "no_reply", "drop_before_write", "drop_after_write", "end_before_write", "end_after_write"] as const),
  ...(["timeout_before_write", "timeout_after_write", "no_position", "unknown", "unavailable"] as const),
];
const readFaults: readonly ReadFault["kind"][] = ["silence", "drop", "end", "unavailable", "cancelled"];

test(`under random faults (LEDGER_SEED=${seed}), acknowledged events are in the log once and in order`, async () => {
  const folder = await mkdtemp(join(tmpdir(), "eventstoredb-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const random = seeded(seed);
  const data = join(folder, "events.sqlite");
  let server = await startEventStoreDbServer({ data, port: await freePort() });
  onTestFinished(() => server.stop());
  const { port, url } = server;
  const log = openEventStoreDb(url, { appendTimeoutMs: 300, silenceMs: 300, resumeMs: 60_000 });
  onTestFinished(() => log.close());

  const draw = () => {
    server.faults.drawAppend = () => (random(3) === 0 ? appendFaults[random(appendFaults.length)] : undefined);
    server.faults.drawRead = () => {
      const kind = random(3) === 0 ? readFaults[random(readFaults.length)] : undefined;
      return kind && { after: random(40), kind };
    };
  };
  draw();
  let head = NO_REVISION;
  const acknowledged: NewEvent[] = [];
  const seen: number[] = [];
  const abort = new AbortController();
  const following = (async () => {
    for await (const delivery of log.subscribe(0, 0, abort.signal))
      if (delivery.kind === "events") seen.push(...delivery.events.map(({ revision }) => revision));
  })();
  for (let struck = 0; struck < settings.LEDGER_LOG_FAULTS; ) {
    if (random(20) === 0) {
      await server.stop();
      server = await startEventStoreDbServer({ data, port });
      draw();
      struck++;
    }
    const events = makeEvents(head + 1, 1 + random(20), { salt: random(1000) });
    for (let done = false; !done; )
      try {
        head = await log.append(0, head, events);
        done = true;
      } catch (error) {
        // There is no other writer, so nothing else may be in the log.
        if (!isLedgerError(error, "outcome_unknown") && !isLedgerError(error, "log_unavailable")) throw error;
        struck++;
      }
    acknowledged.push(...events);
    expect(server.store.head("ledger-0")).toBe(head);
  }
  server.faults.drawAppend = () => undefined;
  server.faults.drawRead = () => undefined;
  await expect.poll(() => seen.length, { timeout: 120_000 }).toBe(head + 1);
  abort.abort();
  await following;
  expect(seen).toEqual(range(0, head));
  expect(asNew(await readAll(log, 0, 0))).toEqual(acknowledged);
}, 600_000);
