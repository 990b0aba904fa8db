import { sessionViewSuite } from "ledger-core/testing";
import { memorySession } from "../../testing/memory-session.ts";
import { sessionProjection } from "./projection.ts";

sessionViewSuite("memory", sessionProjection, async () => {
  const session = memorySession();
  return { ...session, reopen: async () => session, dispose: async () => {} };
});
