export { loadRows } from "../adapters/mysql/load-data.ts";
export { connectMysql, type MysqlConnection, mysqlConnection } from "../adapters/mysql/mysql.ts";
export { connectSqlite, openSqlite } from "../adapters/sqlite/node-sqlite.ts";
export {
  newestStore,
  nextStore,
  olderStores,
  storeNames,
  storeToOpen,
  watchStore,
} from "../adapters/sqlite/store-files.ts";
export {
  openViewBooks,
  preparedBySuffix,
  type ViewBooks,
  viewBookkeeping,
} from "../adapters/sqlite/view-books.ts";
export * from "./codes.ts";
export * from "./dialect.ts";
export * from "./layouts.ts";
export * from "./numbers.ts";
export * from "./rows.ts";
export * from "./store-errors.ts";
export * from "./table.ts";
export * from "./transactions.ts";
export * from "./view-rows.ts";
export { viewTexts } from "./views.ts";
