import { join } from "node:path";
import { sessionViewSuite } from "ledger-core/testing";
import { expect, test } from "vitest";
import { testFolder } from "../../testing/stores.ts";
import { openSessionView } from "./session-view.ts";

sessionViewSuite("file", async () => {
  const file = join(await testFolder(), "views.sqlite");
  let view = await openSessionView({ file });
  return {
    view,
    reopen: async () => {
      await view.close();
      view = await openSessionView({ file });
      return view;
    },
    dispose: () => view.close(),
  };
});

test("a reader opens no file that is not there", async () => {
  const file = join(await testFolder(), "views.sqlite");
  await expect(openSessionView({ file, readOnly: true })).rejects.toMatchObject({ code: "store_unavailable" });
});
