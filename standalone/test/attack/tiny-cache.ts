import { DatabaseSync } from "node:sqlite";

/*
 * Loaded before the ledger in every thread of an attacked process: SQLite keeps hardly a page in memory, so that what
 * an attack does to a file is met by the next read of it and not hidden by a cache that is larger than a small ledger.
 */
const PAGES = 2;
const shrunk = new WeakSet<DatabaseSync>();
const { prepare } = DatabaseSync.prototype;

DatabaseSync.prototype.prepare = function (this: DatabaseSync, sql, ...rest) {
  if (!shrunk.has(this)) {
    shrunk.add(this);
    this.exec(`PRAGMA cache_size = ${PAGES}`);
  }
  return prepare.call(this, sql, ...rest);
};
