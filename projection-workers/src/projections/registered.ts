import { assert, type Projection, type ProjectionStore } from "ledger-core";
import { type Verification, type VerifyOptions, verify } from "../rebuild/verify.ts";

/** A projection with its opened store. */
export type Projected = {
  readonly name: string;
  /** Runs work that does not depend on the type of the projection's changes. */
  use<Result>(work: <Change>(projection: Projection<Change>, store: ProjectionStore<Change>) => Result): Result;
  close(): Promise<void>;
};

/** A projection, and how its store is opened on a connection to its file. */
export type Registered<Connection> = {
  readonly name: string;
  open(connection: Connection): Projected;
  /** Compares the live store with the log by building the projection again in an empty scratch store. */
  verify(live: Connection, scratch: Connection, options: VerifyOptions): Promise<Verification>;
};

/** Binds a pure projection to its store. */
export function register<Change, Connection>(
  projection: Projection<Change>,
  openStore: (connection: Connection) => ProjectionStore<Change>,
): Registered<Connection> {
  const { name } = projection;
  assert(/^[a-z][a-z0-9_]*$/.test(name), `${name} can be part of a metric's name`);
  return {
    name,
    open(connection) {
      const store = openStore(connection);
      return { name, use: (work) => work(projection, store), close: () => store.close() };
    },
    async verify(connection, scratchConnection, options) {
      const live = openStore(connection);
      try {
        const scratch = openStore(scratchConnection);
        return await verify(projection, { live, scratch }, options).finally(() => scratch.close());
      } finally {
        await live.close();
      }
    },
  };
}
