import { configurationPart } from "./configuration.ts";
import { documented, integer } from "./env.ts";

export const revocationsPart = configurationPart({
  settings: {
    REVOCATIONS_MAX_AGE: documented(
      "Seconds for which the last known list of revoked tokens is trusted; beyond it, no token is accepted.",
      integer({ min: 1, max: 3600, otherwise: 15 }),
    ),
  },
  build: ({ REVOCATIONS_MAX_AGE }) => ({ maxAgeMs: REVOCATIONS_MAX_AGE * 1000 }),
});
