/** knex ships no types for its dialects' own modules; this is the part that reading-client.ts builds on. */
declare module "knex/lib/dialects/mysql2/index.js" {
  import type { Knex } from "knex";

  export default class Mysql2Client extends Knex.Client {
    /** Set on the client of a transaction. */
    readonly transacting?: boolean;
    _query<Sent extends { readonly sql: string }>(connection: object, query: Sent): Promise<Sent>;
  }
}
