import { expect, test } from "vitest";
import { storeError } from "./store-errors.ts";

test.each([
  [10, "store_unavailable", true],
  [266, "store_unavailable", true],
  [522, "store_damaged", false],
  [11, "store_damaged", false],
  [779, "store_damaged", false],
])(
  "SQLite's %i is %s: a file that ends too early is damaged, a disk that fails is tried again",
  (errcode, code, retryable) => {
    const error = Object.assign(new Error("disk I/O error"), { code: "ERR_SQLITE_ERROR", errcode });
    expect(storeError("read models", error)).toMatchObject({ code, retryable });
  },
);
