/** A file of the lake. `path` is relative to the lake's root, with forward slashes. */
export type LakeFile = { readonly path: string; readonly size: number; readonly modifiedMs: number };

/** The bytes of a new file, at once or in pieces, each of which is used before the next one is asked for. */
export type FileContent = Uint8Array | AsyncIterable<Uint8Array>;

/**
 * Where exported tables are kept: files that are created whole and never changed. Every method may throw LedgerError
 * `store_unavailable`; a `create` that failed may or may not have happened.
 */
export interface Lake {
  /**
   * Creates a durable file with all of these bytes; false, and nothing is changed, if the path is taken. If the pieces
   * end with an error, it is thrown, and there is no file.
   */
  create(path: string, content: FileContent): Promise<boolean>;
  /** The bytes of a file; undefined if there is none. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** The bytes of a file from `from` up to `to`, without that one; fewer where the file ends before it. */
  readPart(path: string, from: number, to: number): Promise<Uint8Array | undefined>;
  /** The names in a folder after `after`, in the order of their bytes; none for a folder that is not there. */
  names(folder: string, after: string): Promise<readonly string[]>;
  /** All files under a folder, in any order. */
  files(folder: string): AsyncIterable<LakeFile>;
  /** Removes a file, if it is there. */
  remove(path: string): Promise<void>;
}
