import { DatabaseSync, type StatementSync } from "node:sqlite";

/** Errors as SQLite raises them, by its extended result codes. */
export const diskErrors = {
  full: { errcode: 13, message: "database or disk is full" },
  readFailed: { errcode: 266, message: "disk I/O error" },
  writeFailed: { errcode: 778, message: "disk I/O error" },
  shortRead: { errcode: 522, message: "disk I/O error" },
} as const;
export type DiskError = (typeof diskErrors)[keyof typeof diskErrors];

/** The error that an access to the disk gets instead; undefined when it may go on. */
export type Trouble = (access: "read" | "write") => DiskError | undefined;

/** A disk that may fail. */
type FailingDisk = {
  readonly trouble: Trouble;
  /** Whether a write that fails takes its transaction with it. */
  readonly losesTransaction: () => boolean;
};

const WRITES = /^\s*(INSERT|UPDATE|DELETE|REPLACE|COMMIT|CREATE)/i;

/**
 * A database in memory whose disk fails when it is told to. A write that fails may take its transaction with it, as
 * SQLite's may.
 */
export class FaultyDatabase extends DatabaseSync {
  /** Weak: Node keeps a database as long as its statements, so one that leads to its world would keep it for ever. */
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
