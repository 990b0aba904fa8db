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

const WRITES = /^\s*(INSERT|UPDATE|DELETE|REPLACE|COMMIT|CREATE)/i;

/**
 * A database in memory whose disk fails when it is told to. A write that fails may take its transaction with it, as
 * SQLite's may.
 */
export class FaultyDatabase extends DatabaseSync {
  readonly #trouble: Trouble;
  readonly #losesTransaction: () => boolean;

  constructor(trouble: Trouble, losesTransaction: () => boolean) {
    super(":memory:");
    this.#trouble = trouble;
    this.#losesTransaction = losesTransaction;
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
    const error = this.#trouble(access);
    if (!error) return;
    if (access === "write" && this.isTransaction && this.#losesTransaction()) super.exec("ROLLBACK");
    throw Object.assign(new Error(error.message), { code: "ERR_SQLITE_ERROR", errcode: error.errcode });
  }
}
