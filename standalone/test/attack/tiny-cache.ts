import { DatabaseSync } from "node:sqlite";

/*
 * Loaded before the ledger in every thread of an attacked process: makes SQLite cache hardly any page, so that the next
 * read meets damage that a cache larger than a small ledger would hide.
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
