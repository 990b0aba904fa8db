import { join } from "node:path";
import { type EdgeChange, type EventId, entryId, type PaymentId, rebrand } from "ledger-core";
import { examples, paymentGraphSuite, projectionStoreSuite } from "ledger-core/testing";
import { openPaymentGraph } from "query-service";
import { testFolder } from "../../testing/stores.ts";
import { paymentGraph } from "./payment-graph.ts";
import { openViewStore } from "./view-store.ts";

const { accountId, START, TENANT } = examples;

/** Each event adds an edge, or shuts the first payer's merchant. */
const edges = Array.from({ length: 30 }, (_, n): EdgeChange => {
  const id = entryId(START + n, { shard: 0, revision: n }, 0);
  const [payment, event]: [PaymentId, EventId] = [rebrand("pay", id), rebrand("evt", id)];
  return n % 7 === 6
    ? { kind: "standing", merchant: accountId(n), open: false, event }
    : { kind: "paid", tenant: TENANT, payment, payer: accountId(1), merchant: accountId(2 + n), event };
});
const [twice] = edges;
if (!twice) throw new Error("there are edges");

projectionStoreSuite("payment graph, file", { events: edges.map((edge) => [edge]), poison: twice }, async () => {
  const file = join(await testFolder(), "views.sqlite");
  let store = openViewStore(paymentGraph, { file });
  return {
    store,
    reopen: async () => {
      await store.close();
      store = openViewStore(paymentGraph, { file });
      return store;
    },
    dispose: () => store.close(),
  };
});

paymentGraphSuite(
  "file",
  async () => {
    const file = join(await testFolder(), "views.sqlite");
    const openBoth = () => ({ target: openViewStore(paymentGraph, { file }), graph: openPaymentGraph({ file }) });
    let both = openBoth();
    const close = async () => {
      await both.graph.close();
      await both.target.close();
    };
    return {
      ...both,
      reopen: async () => {
        await close();
        both = openBoth();
        return both;
      },
      dispose: close,
    };
  },
  true,
);
