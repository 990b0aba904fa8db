import { DatabaseSync, type StatementSync } from "node:sqlite";

/** SQLite's errors with their extended result codes. */
export const diskErrors = {
  full: { errcode: 13, message: "database or disk is full" },
  readFailed: { errcode: 266, message: "disk I/O error" },
  writeFailed: { errcode: 778, message: "disk I/O error" },
  shortRead: { errcode: 522, message: "disk I/O error" },
} as const;
export type DiskError = (typeof diskErrors)[keyof typeof diskErrors];

/** The error for an access to the disk; undefined if the access succeeds. */
export type Trouble = (access: "read" | "write") => DiskError | undefined;

/** A disk that can fail. */
type FailingDisk = {
  readonly trouble: Trouble;
  /** Whether a failed write also rolls back its transaction. */
  readonly losesTransaction: () => boolean;
};

const WRITES = /^\s*(INSERT|UPDATE|DELETE|REPLACE|COMMIT|CREATE)/i;

/** An in-memory database whose disk fails on demand. A failed write may roll back its transaction, as in SQLite. */
export class FaultyDatabase extends DatabaseSync {
  /** Weak: Node keeps a database as long as its statements, so a strong reference would keep its world forever. */
  readonly #disk: WeakRef<FailingDisk>;

  constructor(disk: FailingDisk) {
    super(":memory:");
    this.#disk = new WeakRef(disk);
  }

  override prepare(sql: string): StatementSync {
    const statement = super.prepare(sql);
    const access = WRITES.test(sql) ? "write" : "read";
    return new Proxy(statement, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== "function") return member;
        return (...args: unknown[]) => {
          this.#meet(access);
          return Reflect.apply(member, target, args);
        };
      },
    });
  }

  override exec(sql: string): void {
    if (WRITES.test(sql)) this.#meet("write");
    super.exec(sql);
  }

  #meet(access: "read" | "write"): void {
    const disk = this.#disk.deref();
    const error = disk?.trouble(access);
    if (!disk || !error) return;
    if (access === "write" && this.isTransaction && disk.losesTransaction()) super.exec("ROLLBACK");
    throw Object.assign(new Error(error.message), { code: "ERR_SQLITE_ERROR", errcode: error.errcode });
  }
}
