import { DatabaseSync } from "node:sqlite";
import { setTimeout } from "node:timers/promises";
import { parentPort, threadId } from "node:worker_threads";
import { assert } from "ledger-core";
import { Problem } from "ledger-core/http/problems";
import { StoreDamage } from "../damage.ts";
import { answered } from "../query.ts";
import { serveQueryThread } from "../threads/serving.ts";

/** A thread whose queries do as their path says. */
assert(parentPort, "this file is a thread");
serveQueryThread(parentPort, {
  async run({ path }) {
    switch (path) {
      case "/for-ever": {
        // A statement that does not end within any test's time.
        const endless =
          "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 300000000) SELECT sum(x) FROM n";
        new DatabaseSync(":memory:").prepare(endless).get();
        break;
      }
      case "/dies":
        process.exit(3);
        break;
      case "/problem":
        throw new Problem("payment_not_found", "There is none.", { headers: { "x-told": "yes" } });
      case "/damage":
        throw new StoreDamage("graph", "row_unreadable", "graph view: a row cannot be read");
      case "/bug":
        throw new RangeError("nobody expected this");
      case "/slow":
        await setTimeout(200);
        break;
      default:
    }
    return answered([{ shard: 0, revision: 1 }], { path, thread: threadId });
  },
  reopen: async () => undefined,
  close: async () => undefined,
});
