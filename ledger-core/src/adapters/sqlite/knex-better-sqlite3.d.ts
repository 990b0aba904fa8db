/** knex ships no types for its dialects' own modules; this is the part that node-sqlite.ts builds on. */
declare module "knex/lib/dialects/better-sqlite3/index.js" {
  import type { Knex } from "knex";

  export default class BetterSqlite3Client extends Knex.Client {}
}
