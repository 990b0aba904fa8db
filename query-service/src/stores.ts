import { assert, formatPosition, isLedgerError, type Position, publicReason } from "ledger-core";
import type { ReadinessCheck } from "ledger-core/http";
import { connectSqlite } from "ledger-core/sql";
import { openPaymentGraph } from "./adapters/sqlite/payment-graph.ts";
import type { StoreName } from "./query.ts";
import type { ReplicaSet } from "./replicas.ts";
import { storeNames, storePositions } from "./runner.ts";
import { reopenable } from "./threads/reopenable.ts";

/** Reads the positions of the stores. */
type StorePositions = {
  positions(store: StoreName): Promise<readonly Position[]>;
  /** Reopens the files after they were replaced. */
  reopen(): Promise<void>;
  close(): Promise<void>;
};

/** @param stores the first file of read models, or replicas that somebody else closes, and the first file of views */
export function openStorePositions(stores: {
  readonly models: string | ReplicaSet;
  readonly views: string;
}): StorePositions {
  const { models, views } = stores;
  const open = () =>
    typeof models === "string" ? connectSqlite({ file: models, newest: true, readOnly: true }) : undefined;
  let db = open();
  const graph = reopenable(() => openPaymentGraph({ file: views }));
  const close = async () => void (await Promise.all([db?.destroy(), graph.close()]));
  const opened = () => {
    assert(db, "the read models are a file");
    return db;
  };
  return {
    positions: storePositions({
      models: typeof models === "string" ? opened : models,
      graph: { positions: () => graph.use((view) => view.positions()) },
    }),
    async reopen() {
      await close();
      db = open();
    },
    close,
  };
}

const LOOK_EVERY_MS = 1000;

/** Readiness checks of each store, as of its last poll. */
export function watchStores(positions: StorePositions["positions"]): {
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
