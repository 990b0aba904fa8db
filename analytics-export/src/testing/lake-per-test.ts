import { afterEach, beforeEach } from "vitest";
import type { Lake } from "../ports/lake.ts";
import { makeLakeFolder } from "./folder.ts";

/** An empty lake for each test of a file or suite, in a folder that is removed after it. */
export function lakePerTest(): { readonly lake: Lake; readonly dir: string; open(): Lake } {
  let [folder, lake]: [ReturnType<typeof makeLakeFolder> | undefined, Lake | undefined] = [undefined, undefined];
  beforeEach(() => {
    folder = makeLakeFolder();
    lake = folder.open();
  });
  afterEach(() => folder?.remove());
  function inTest<Value>(value: Value | undefined): Value {
    if (value === undefined) throw new Error("a lake is there during a test");
    return value;
  }
  return {
    get lake() {
      return inTest(lake);
    },
    get dir() {
      return inTest(folder).dir;
    },
    open: () => inTest(folder).open(),
  };
}
