import { combinedParts, configurationPart } from "./configuration.ts";
import { documented, integer, type Setting } from "./env.ts";
import { limitsPart } from "./redis-part.ts";

/** A quota: at most so many requests in so many seconds. Undefined: none. */
type Quota = { readonly requests: number; readonly seconds: number };

function quota(about: string): Setting<Quota | undefined> {
  return documented(about, {
    absent: { allowed: true, value: undefined },
    standard: "none",
    parse(text) {
      if (text === "none") return { value: undefined };
      const [, requests = "", seconds = ""] = /^([1-9]\d{0,8})\/([1-9]\d{0,4})$/.exec(text) ?? [];
      if (requests === "" || Number(seconds) > DAY_S)
        return { fault: "must be none, or requests per seconds like 600/60; at most 999999999 in 86400" };
      return { value: { requests: Number(requests), seconds: Number(seconds) } };
    },
  });
}

const DAY_S = 86_400;

export const quotaSettings = {
  QUOTA_CALLER: quota("Requests that each caller may make, per seconds, such as 600/60."),
  QUOTA_TENANT: quota("Requests that all callers of a tenant may make, likewise."),
};

export const quotasPart = configurationPart({
  settings: quotaSettings,
  build: ({ QUOTA_CALLER: caller, QUOTA_TENANT: tenant }) => ({
    ...(caller && { caller }),
    ...(tenant && { tenant }),
  }),
});

export const revocationsPart = configurationPart({
  settings: {
    REVOCATIONS_MAX_AGE: documented(
      "Seconds for which the last known list of revoked tokens is trusted; beyond it, no token is accepted.",
      integer({ min: 1, max: 3600, otherwise: 15 }),
    ),
  },
  build: ({ REVOCATIONS_MAX_AGE }) => ({ maxAgeMs: REVOCATIONS_MAX_AGE * 1000 }),
});

/** All that limits callers. */
export const callerLimitsPart = combinedParts({ target: limitsPart, tuning: revocationsPart, policies: quotasPart });
