import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { encodeEvent } from "ledger-core";
import { anyFact, anyOrigin } from "ledger-core/testing";
import { randomHistory } from "ledger-core/testing/history";
import { expect, test } from "vitest";
import { findDeltaRs } from "../testing/delta-rs.ts";
import { payloadOf } from "./payload.ts";
import { makePseudonyms } from "./pseudonyms.ts";

const found = findDeltaRs();
const key = "a key of at least 32 characters..";
const names = makePseudonyms(key, "test");
const seed = Number(process.env.LEDGER_SEED ?? Date.now() % 2 ** 31);

test.skipIf("absent" in found)(`the stream's job exports what the exporter exports, seed ${seed}`, () => {
  if ("absent" in found) return;
  // A charge has a short form that does not fit every fact: those of a history.
  const drawn = fc.sample(fc.record({ fact: anyFact, origin: anyOrigin }), { numRuns: 400, seed });
  const bodies = [...drawn.filter(({ fact }) => fact.type !== "PaymentCharged"), ...randomHistory(seed, 60)];
  const lines = bodies.map((body) => {
    const { type, version, data } = encodeEvent(body);
    return JSON.stringify([type, version, JSON.parse(Buffer.from(data).toString("utf8"))]);
  });
  const script = join(import.meta.dirname, "../testing/payloads.py");
  const PYTHONPATH = resolve(import.meta.dirname, "../../databricks");
  const env = { ...process.env, PYTHONPATH, PYTHONDONTWRITEBYTECODE: "1", PYTHONIOENCODING: "utf-8" };
  const { stdout, stderr } = spawnSync(found.python, [script, key, "test"], { env, input: lines.join("\n") });
  const payloads = stdout.toString("utf8").trimEnd().split("\n");
  expect(stderr.toString()).toBe("");
  expect(payloads).toEqual(bodies.map(({ fact }) => JSON.stringify(payloadOf(fact, names))));
  expect(new Set(bodies.map(({ fact }) => fact.type)).size).toBeGreaterThan(20);
});
