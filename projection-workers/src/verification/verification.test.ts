import { readdirSync } from "node:fs";
import { join } from "node:path";
import { openSqliteLog } from "ledger-core/event-log";
import { randomHistory } from "ledger-core/testing";
import { expect, onTestFinished, test } from "vitest";
import { projectionNames } from "../projections/list.ts";
import { appendAll, testFolder } from "../testing/stores.ts";
import { type VerifyState, verifyAll, verifyTuning } from "./verification.ts";

test("a folder without read models, such as a restored one, is told to be started first", async () => {
  const dir = await testFolder();
  const log = await openSqliteLog({ file: join(dir, "events.sqlite") });
  onTestFinished(() => log.close());
  await appendAll(log, randomHistory(9, 20));
  const states: VerifyState[] = [];
  await verifyAll({ dir, log, shards: [0], tuning: verifyTuning }, (state) => states.push(state));
  expect(
    states.filter(({ status }) => status !== "running").map(({ projection, detail }) => [projection, detail]),
  ).toEqual(projectionNames.map((name) => [name, "it is not there yet: ledger start builds it from the log"]));
  expect(readdirSync(dir).filter((name) => !name.startsWith("events"))).toEqual([]);
});
