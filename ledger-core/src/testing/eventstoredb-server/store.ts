import { DatabaseSync } from "node:sqlite";

export type StoredRecord = {
  readonly revision: number;
  /** The event's position in the order of all streams. */
  readonly position: number;
  /** A UUID as text. */
  readonly id: string;
  readonly type: string;
  readonly contentType: string;
  readonly metadata: Uint8Array;
  readonly data: Uint8Array;
  readonly createdMs: number;
};

export type ProposedRecord = Omit<StoredRecord, "revision" | "position" | "createdMs">;

/** The expected revision of a stream; "any" is not compared. */
export type Expected = number | "any";

export type AppendResult =
  | { readonly kind: "written" | "repeated"; readonly last: number; readonly position: number }
  | { readonly kind: "wrong_revision"; readonly current: number };

/** Streams in one SQLite file, which survives a kill -9. */
export type StreamStore = {
  /** The last revision of a stream; -1 if it does not exist. */
  head(stream: string): number;
  /**
   * Appends by the server's rules. At exactly the expected revision, writes the events, whatever their ids. Below it,
   * compares only the ids, place by place: if all are equal, the append counts as done, whatever its payloads;
   * otherwise it is refused.
   */
  append(stream: string, expected: Expected, events: readonly ProposedRecord[]): AppendResult;
  /** At most `limit` events from a revision on. */
  read(stream: string, from: number, count: number): readonly StoredRecord[];
  /** Removes the oldest events, as $maxCount or $tb would. */
  truncate(stream: string, before: number): void;
  /** Overwrites an event's data, as a damaged disk or an intruder would. */
  overwrite(stream: string, revision: number, data: Uint8Array): void;
  onAppended(listener: (stream: string) => void): () => void;
  close(): void;
};

const schema = `
  CREATE TABLE IF NOT EXISTS event (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    stream TEXT NOT NULL,
    revision INTEGER NOT NULL,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    contentType TEXT NOT NULL,
    metadata BLOB NOT NULL,
    data BLOB NOT NULL,
    createdMs INTEGER NOT NULL,
    UNIQUE (stream, revision)
  ) STRICT`;

export function openStreamStore(file: string): StreamStore {
  const db = new DatabaseSync(file);
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA locking_mode = EXCLUSIVE");
  db.exec(schema);
  const columns = "position, revision, id, type, contentType, metadata, data, createdMs";
  const insert = db.prepare(
    `INSERT INTO event (stream, revision, id, type, contentType, metadata, data, createdMs)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const selectHead = db.prepare("SELECT max(revision) AS head FROM event WHERE stream = ?");
  const select = db.prepare(
    `SELECT ${columns} FROM event WHERE stream = ? AND revision >= ? ORDER BY revision LIMIT ?`,
  );
  const heads = new Map<string, number>();
  const listeners = new Set<(stream: string) => void>();

  const head = (stream: string): number => {
    const known = heads.get(stream) ?? Number(selectHead.get(stream)?.head ?? -1);
    heads.set(stream, known);
    return known;
  };
  const read = (stream: string, from: number, count: number): readonly StoredRecord[] =>
    select.all(stream, from, count).map((row) => toRecord(row));

  function write(stream: string, first: number, events: readonly ProposedRecord[]): number {
    const now = Date.now();
    let position = 0;
    db.exec("BEGIN IMMEDIATE");
    try {
      for (const [index, { id, type, contentType, metadata, data }] of events.entries()) {
        const values = [stream, first + index, id, type, contentType, metadata, data, now] as const;
        position = Number(insert.run(...values).lastInsertRowid);
      }
      db.exec("COMMIT");
    } catch (error) {
      if (db.isTransaction) db.exec("ROLLBACK");
      throw error;
    }
    heads.set(stream, first + events.length - 1);
    for (const listener of listeners) listener(stream);
    return position;
  }

  return {
    head,
    read,
    append(stream, expected, events) {
      const current = head(stream);
      const after = expected === "any" ? current : expected;
      const last = after + events.length;
      if (after === current) return { kind: "written", last, position: write(stream, current + 1, events) };
      const known = after < current ? read(stream, after + 1, events.length) : [];
      const repeated = known.length === events.length && known.every(({ id }, index) => id === events[index]?.id);
      if (!repeated) return { kind: "wrong_revision", current };
      return { kind: "repeated", last, position: known.at(-1)?.position ?? 0 };
    },
    truncate(stream, before) {
      db.prepare("DELETE FROM event WHERE stream = ? AND revision < ?").run(stream, before);
    },
    overwrite(stream, revision, data) {
      db.prepare("UPDATE event SET data = ? WHERE stream = ? AND revision = ?").run(data, stream, revision);
    },
    onAppended(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close: () => db.close(),
  };
}

function toRecord(row: Record<string, unknown>): StoredRecord {
  const bytes = (value: unknown) => (value instanceof Uint8Array ? value : new Uint8Array());
  return {
    revision: Number(row.revision),
    position: Number(row.position),
    id: String(row.id),
    type: String(row.type),
    contentType: String(row.contentType),
    metadata: bytes(row.metadata),
    data: bytes(row.data),
    createdMs: Number(row.createdMs),
  };
}
