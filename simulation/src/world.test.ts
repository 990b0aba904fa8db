import { rejections } from "ledger-core";
import { expect, test } from "vitest";
import { chooseFaults, type FaultKind, faultKinds } from "./faults.ts";
import { randomFrom } from "./random.ts";
import { runWorld } from "./world.ts";

const steps = 5_000;
const factTypes = [
  ...["WriterEpochStarted", "AccountOpened", "AccountFrozen", "AccountUnfrozen", "AccountClosed", "TransferPosted"],
  ...["TopUpSettled", "PayoutSettled", "PaymentCharged", "PaymentAuthorized", "PaymentCaptured", "PaymentVoided"],
  ...["PaymentExpired", "PaymentRefunded", "AccountChangeDeclined", "TransferDeclined", "TopUpDeclined"],
  ...["PayoutDeclined", "PaymentDeclined", "CaptureDeclined", "VoidDeclined", "RefundDeclined", "BulkRecorded"],
];

test("a few worlds see every event, every recorded refusal and every fault", { timeout: 300_000 }, async () => {
  const seen = new Set<string>();
  const recorded = Object.entries(rejections).flatMap(([code, { recorded }]) => (recorded ? [code] : []));
  const missing = () => [...factTypes, ...recorded, ...faultKinds].filter((what) => !seen.has(what));
  for (let world = 0; world < 40 && missing().length > 0; world++) {
    const seed = `rich ${world}`;
    const result = await runWorld({ seed, steps, faults: chooseFaults(randomFrom(seed)) });
    expect(result.violation, `world ${seed}`).toBeUndefined();
    for (const what of result.seen) seen.add(what);
  }
  expect(missing()).toEqual([]);
});

test("without faults nothing strikes, and most commands succeed", { timeout: 60_000 }, async () => {
  const { violation, seen, events } = await runWorld({ seed: "calm", steps, faults: new Set<FaultKind>() });
  expect(violation).toBeUndefined();
  expect(faultKinds.filter((kind) => seen.has(kind))).toEqual([]);
  expect(events).toBeGreaterThan(steps / 20);
});
