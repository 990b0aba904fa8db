import type { Knex } from "knex";
import { assert, formatPosition, isLedgerError, type PaymentGraph, type Position, publicReason } from "ledger-core";
import type { ReadinessCheck } from "ledger-core/http";
import { connectSqlite } from "ledger-core/sql";
import { openPaymentGraph } from "./adapters/sqlite/payment-graph.ts";
import type { StoreName } from "./query.ts";
import type { ReplicaSet } from "./replicas.ts";
import { storeNames, storePositions } from "./runner.ts";
import { reopenable } from "./threads/reopenable.ts";

/** A service's stores, read in this thread. */
type OpenedStores = {
  readonly models: (() => Knex) | ReplicaSet;
  readonly graph: Pick<PaymentGraph, "recommend" | "paidAmong" | "positions">;
  positions(store: StoreName): Promise<readonly Position[]>;
  /** Reopens the files after they were replaced. */
  reopen(): Promise<void>;
  close(): Promise<void>;
};

/** @param stores the first files, or what somebody else closes: replicas, and a graph on a server */
export function openStores(stores: {
  readonly models: string | ReplicaSet;
  readonly graph: string | PaymentGraph;
}): OpenedStores {
  const { models: modelsAt, graph: graphAt } = stores;
  const open = () =>
    typeof modelsAt === "string" ? connectSqlite({ file: modelsAt, newest: true, readOnly: true }) : undefined;
  let db = open();
  const file = typeof graphAt === "string" ? reopenable(() => openPaymentGraph({ file: graphAt })) : undefined;
  const graph =
    typeof graphAt === "string"
      ? {
          recommend: (...whom: Parameters<PaymentGraph["recommend"]>) => inFile((view) => view.recommend(...whom)),
          paidAmong: (...whom: Parameters<PaymentGraph["paidAmong"]>) => inFile((view) => view.paidAmong(...whom)),
          positions: () => inFile((view) => view.positions()),
        }
      : graphAt;
  const close = async () => void (await Promise.all([db?.destroy(), file?.close()]));
  const models =
    typeof modelsAt === "string"
      ? () => {
          assert(db, "the read models are a file");
          return db;
        }
      : modelsAt;
  return {
    ...{ models, graph, close, positions: storePositions({ models, graph }) },
    async reopen() {
      await close();
      db = open();
    },
  };

  function inFile<Result>(work: (view: PaymentGraph) => Promise<Result>): Promise<Result> {
    assert(file, "the graph is a file");
    return file.use(work);
  }
}

const LOOK_EVERY_MS = 1000;

/** Readiness checks of each store, as of its last poll. */
export function watchStores(positions: OpenedStores["positions"]): {
  readonly checks: readonly ReadinessCheck[];
  stop(): void;
} {
  const told = new Map<string, { readonly ready: boolean; readonly detail: string }>();
  const look = async () => {
    for (const store of storeNames) {
      try {
        const served = await positions(store);
        told.set(store, { ready: true, detail: served.map((position) => `at ${formatPosition(position)}`).join("; ") });
      } catch (error) {
        if (!isLedgerError(error)) throw error;
        told.set(store, { ready: false, detail: publicReason(error) });
      }
    }
  };
  void look();
  const timer = setInterval(() => void look(), LOOK_EVERY_MS);
  return {
    checks: [...storeNames].map((name) => ({
      name,
      check: () => told.get(name) ?? { ready: false, detail: "not looked at yet" },
    })),
    stop: () => clearInterval(timer),
  };
}
