import { formatPosition, isLedgerError, type Position, publicReason } from "ledger-core";
import type { ReadinessCheck } from "ledger-core/http";
import { connectSqlite } from "ledger-core/sql";
import { openPaymentGraph } from "./adapters/sqlite/payment-graph.ts";
import type { StoreName } from "./query.ts";
import { storeNames, storePositions } from "./runner.ts";
import { reopenable } from "./threads/reopenable.ts";

/** Reads the positions of the stores. */
type StorePositions = {
  positions(store: StoreName): Promise<readonly Position[]>;
  /** Reopens the files after they were replaced. */
  reopen(): Promise<void>;
  close(): Promise<void>;
};

export function openStorePositions(files: { readonly models: string; readonly views: string }): StorePositions {
  const open = () => connectSqlite({ file: files.models, newest: true, readOnly: true });
  let db = open();
  const graph = reopenable(() => openPaymentGraph({ file: files.views }));
  const close = async () => void (await Promise.all([db.destroy(), graph.close()]));
  return {
    positions: storePositions({
      models: () => db,
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
