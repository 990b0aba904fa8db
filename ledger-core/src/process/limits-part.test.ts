import { expect, test } from "vitest";
import { readConfiguration } from "./configuration.ts";
import { quotasPart, revocationsPart } from "./limits-part.ts";

const quotasOf = (environment: Readonly<Record<string, string>>) =>
  readConfiguration({ quotas: quotasPart }, environment).quotas;

test("a quota is requests per seconds, and there is none by default", () => {
  expect(quotasOf({})).toEqual({});
  expect(quotasOf({ QUOTA_CALLER: "600/60", QUOTA_TENANT: "none" })).toEqual({
    caller: { requests: 600, seconds: 60 },
  });
  expect(quotasOf({ QUOTA_TENANT: "999999999/86400" })).toEqual({ tenant: { requests: 999_999_999, seconds: 86_400 } });
});

test.each(["0/60", "600", "600/0", "600/86401", "-1/5", "1.5/5", "1000000000/1", "600 / 60", "all"])(
  "%s is no quota",
  (text) => {
    expect(() => quotasOf({ QUOTA_CALLER: text })).toThrow(/QUOTA_CALLER must be none, or requests per seconds like/);
  },
);

test("the age of revocations is in seconds", () => {
  const { revocations } = readConfiguration({ revocations: revocationsPart }, { REVOCATIONS_MAX_AGE: "30" });
  expect(revocations).toEqual({ maxAgeMs: 30_000 });
});
