export { connectMysql, type MysqlConnection } from "../adapters/mysql/mysql.ts";
export { connectSqlite, openSqlite } from "../adapters/sqlite/node-sqlite.ts";
export {
  openViewBooks,
  preparedBySuffix,
  viewBookkeeping,
} from "../adapters/sqlite/view-books.ts";
export * from "./dialect.ts";
export * from "./rows.ts";
export * from "./store-errors.ts";
export * from "./table.ts";
export * from "./transactions.ts";
export * from "./view-rows.ts";
