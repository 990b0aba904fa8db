import { NO_REVISION } from "ledger-core";
import { makeEvents, openTestLog } from "ledger-core/testing";
import { describe, expect, test } from "vitest";
import { runLedgerWith } from "../ledger.fixture.ts";

describe("ledger mirror verify", () => {
  test("without a broker is a usage error", async () => {
    const { code, stderr } = await runLedgerWith({ BROKER: "" }, "mirror", "verify").ended;
    expect(stderr).toContain("BROKER is not set");
    expect(code).toBe(2);
  });

  test("says when the broker cannot be reached", async () => {
    const { log, file } = await openTestLog();
    await log.append(0, NO_REVISION, makeEvents(0, 3));
    await log.close();
    const env = { EVENT_LOG: `sqlite:${file}`, BROKER: "kafka://127.0.0.1:1", BROKER_TLS: "false" };
    const { code, stderr } = await runLedgerWith(env, "mirror", "verify").ended;
    expect(stderr).toContain("the broker cannot be reached");
    expect(code).toBe(1);
  });
});
