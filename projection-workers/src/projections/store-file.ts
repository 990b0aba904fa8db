import type { Verification, VerifyOptions } from "../rebuild/verify.ts";
import type { Projected, Registered } from "./registered.ts";
import { type Opened, type StoreGroup, storeGroup } from "./store-group.ts";

/** A file of read models, opened to be written. */
export type OpenedFile = { readonly projections: readonly Projected[]; close(): Promise<void> };

/** A file of one or more projections; it is opened, watched and set aside as a whole. */
export type StoreFile = {
  readonly name: string;
  /** The names of its projections. */
  readonly projections: readonly string[];
  /**
   * Whether `open` would empty a file because another version made it, mostly an earlier one. A keeper then keeps that
   * file and builds another beside it. False for a file that cannot be read.
   */
  isOlder(path: string): Promise<boolean>;
  /** @throws LedgerError store_unavailable, store_damaged, incompatible */
  open(path: string): Promise<OpenedFile>;
  /** Compares one of its projections with the log by building it again in `scratch`, a new file. */
  verify(projection: string, files: VerifiedFiles, options: VerifyOptions): Promise<Verification>;
  /** The file as a store to be compared with the log, by a name for people. */
  group(name: string, path: string): StoreGroup;
};

export type VerifiedFiles = { readonly live: string; readonly scratch: string };

/** `write` creates what is missing, `read` opens an existing file, `scratch` a temporary one. */
export type OpenMode = "write" | "read" | "scratch";

/** A file of projections that share a kind of connection, but for the question whether it is older. */
export function storeFile<Connection>(
  name: string,
  registered: readonly Registered<Connection>[],
  connect: (path: string, mode: OpenMode) => Promise<Opened<Connection>>,
): Omit<StoreFile, "isOlder"> {
  return {
    name,
    projections: registered.map((one) => one.name),
    async open(path) {
      const { connection, close } = await connect(path, "write");
      const projections: Projected[] = [];
      const closeAll = async () => {
        for (const projection of projections) await projection.close();
        await close();
      };
      try {
        for (const one of registered) projections.push(one.open(connection));
      } catch (error) {
        await closeAll();
        throw error;
      }
      return { projections, close: closeAll };
    },
    async verify(projection, { live, scratch }, options) {
      const one = registered.find((candidate) => candidate.name === projection);
      if (!one) throw new RangeError(`${projection} is not in ${name}`);
      const opened = await connect(live, "read");
      try {
        const empty = await connect(scratch, "scratch");
        return await one.verify(opened.connection, empty.connection, options).finally(() => empty.close());
      } finally {
        await opened.close();
      }
    },
    group: (store, path) =>
      storeGroup(registered, [{ name: store, open: () => connect(path, "read") }], (file) => connect(file, "scratch")),
  };
}
