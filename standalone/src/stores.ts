import { connectSqlite } from "ledger-core/sql";
import {
  migrateModels,
  openPaymentGraph,
  openSessionView,
  type RebuildableStore,
  rebuildableModels,
} from "projection-workers";
import type { DataFolder } from "./data-folder.ts";
import type { RebuildName } from "./rebuild-state.ts";

/** Opens the store of one projection to be written while work is under way. Nothing else may have it open. */
export async function withStore<Result>(
  files: Pick<DataFolder, "models" | "views">,
  projection: RebuildName,
  work: <Change>(store: RebuildableStore<Change>) => Promise<Result>,
): Promise<Result> {
  switch (projection) {
    case "models": {
      const db = connectSqlite({ file: files.models });
      const reader = connectSqlite({ file: files.models, readOnly: true });
      try {
        await migrateModels(db);
        return await work(rebuildableModels(db, reader));
      } finally {
        await Promise.all([db.destroy(), reader.destroy()]);
      }
    }
    case "session": {
      const view = await openSessionView({ file: files.views });
      return work(view.rebuildable).finally(() => view.close());
    }
    case "graph": {
      const view = await openPaymentGraph({ file: files.views });
      return work(view.rebuildable).finally(() => view.close());
    }
    default:
      return projection satisfies never;
  }
}
