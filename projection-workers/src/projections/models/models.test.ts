import { join } from "node:path";
import { connectSqlite } from "ledger-core/sql";
import { modelsSuite } from "../../testing/models-suite.ts";
import { temporaryFolder } from "../../testing/stores.ts";

modelsSuite("SQLite", async () => {
  const { folder, remove } = await temporaryFolder();
  const file = join(folder, "models.sqlite");
  let db = connectSqlite({ file });
  const reader = connectSqlite({ file, readOnly: true });
  return {
    db,
    reader,
    reopen: async () => {
      await db.destroy();
      db = connectSqlite({ file });
      return db;
    },
    dispose: async () => {
      await Promise.all([db.destroy(), reader.destroy()]);
      await remove();
    },
  };
});
