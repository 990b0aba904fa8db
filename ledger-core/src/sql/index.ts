export { connectMysql, type MysqlConnection } from "./adapters/mysql.ts";
export { connectSqlite, openSqlite, type SqliteConnection } from "./adapters/node-sqlite.ts";
export * from "./dialect.ts";
export * from "./table.ts";
