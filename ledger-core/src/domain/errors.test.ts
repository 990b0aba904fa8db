import { expect, test } from "vitest";
import { LedgerError, type LedgerErrorCode, publicReason } from "./errors.ts";

test.each<LedgerErrorCode>([
  "log_unavailable",
  "log_corrupt",
  "store_unavailable",
  "store_damaged",
  "row_unreadable",
  "locked",
  "incompatible",
  "broker_unavailable",
  "mirror_refused",
])("the reason of %s repeats nothing of its driver's message", (code) => {
  const error = new LedgerError(code, "/srv/ledger/models.sqlite on db-7: SELECT 1 failed", {
    position: { shard: 0, revision: 7 },
  });
  const reason = publicReason(error);
  expect(reason).toMatch(new RegExp(`^${code}: .+ at 0:7$`));
  expect(reason).not.toMatch(/srv|sqlite|db-7|SELECT/);
});

test("the ledger's own messages are public", () => {
  expect(publicReason(new LedgerError("revision_gap", "models: 8 should follow, and 9 does"))).toBe(
    "revision_gap: models: 8 should follow, and 9 does",
  );
});
