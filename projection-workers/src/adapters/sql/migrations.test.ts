import { connectSqlite } from "ledger-core/sql";
import { expect, onTestFinished, test } from "vitest";
import { migrate } from "./migrations.ts";

test("two versions with one name are refused, in one projection or in two", async () => {
  const db = connectSqlite({ file: ":memory:" });
  onTestFinished(() => db.destroy());
  const named = (name: string, ...versions: readonly string[]) => ({ name, versions, tables: [], formerTables: [] });
  const shared = migrate(db, [named("days", "1_rows", "2_rows"), named("months", "2_rows")]);
  await expect(shared).rejects.toThrow("2_rows names a version of days and of months");
  await expect(migrate(db, [named("days", "1_rows", "1_rows")])).rejects.toThrow("1_rows names a version of days");
  await migrate(db, [named("days", "1_days"), named("months", "2_months")]);
});
