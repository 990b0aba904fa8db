import { join } from "node:path";
import { paymentGraphSuite } from "ledger-core/testing";
import { testFolder } from "../../testing/stores.ts";
import { openPaymentGraph } from "./payment-graph.ts";

paymentGraphSuite("file", async () => {
  const file = join(await testFolder(), "views.sqlite");
  let graph = await openPaymentGraph({ file });
  return {
    graph,
    reopen: async () => {
      await graph.close();
      graph = await openPaymentGraph({ file });
      return graph;
    },
    dispose: () => graph.close(),
  };
});
