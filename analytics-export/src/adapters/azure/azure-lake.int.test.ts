import { randomUUID } from "node:crypto";
import { type AzuriteServer, findAzurite, startAzurite } from "ledger-core/testing/engines/azurite";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Lake } from "../../ports/lake.ts";
import { newContainer } from "../../testing/azure.ts";
import { type FaultyStorage, openFaultyStorage } from "../../testing/faulty-storage.ts";
import { lakeSuite } from "../../testing/lake-suite.ts";
import { openAzureLake } from "./open.ts";

const source = await findAzurite();
if (source.kind === "none") console.warn(source.reason);

const one = new Uint8Array([1]);
const two = new Uint8Array([2]);

describe.skipIf(source.kind === "none")(source.kind === "none" ? source.reason : "Azure Storage", () => {
  let azurite: AzuriteServer;
  let storage: FaultyStorage;
  beforeAll(async () => {
    azurite = await startAzurite(source);
    storage = await openFaultyStorage(azurite.url);
  });
  afterAll(async () => {
    await storage?.close();
    await azurite?.stop();
  });

  lakeSuite("in Azure Storage", async () => {
    const place = await newContainer(azurite);
    const open = () => openAzureLake(place, randomUUID);
    return { lake: open(), reopen: open, dispose: async () => undefined };
  });

  describe("with faults", () => {
    let lake: Lake;
    beforeEach(async () => {
      storage.onRequest(() => undefined);
      const place = await newContainer(azurite, storage.url);
      lake = openAzureLake(place, randomUUID, { pauseMs: 0, pauseMaxMs: 0, tries: 3 });
    });

    test("a creation whose answer is lost was ours, or was another's", async () => {
      const puts = new Map<string, number>();
      storage.onRequest((method, path) => {
        if (method !== "PUT") return undefined;
        puts.set(path, (puts.get(path) ?? 0) + 1);
        return puts.get(path) === 1 ? "lost" : undefined;
      });
      expect(await lake.create("log/1.json", one)).toBe(true);
      expect(await lake.create("log/1.json", two)).toBe(false);
      expect(await lake.read("log/1.json")).toEqual(one);
      expect([...puts.values()]).toEqual([3]);
    });

    test("a busy storage is asked again, and then named", async () => {
      let asked = 0;
      storage.onRequest(() => (++asked < 3 ? "busy" : undefined));
      expect(await lake.create("a", one)).toBe(true);
      storage.onRequest(() => "busy");
      const message = "the lake cannot read a: ServerBusy, status 503";
      await expect(lake.read("a")).rejects.toMatchObject({ code: "store_unavailable", message });
    });

    test("a permission that is gone is named at once, and no key", async () => {
      let asked = 0;
      storage.onRequest(() => {
        asked += 1;
        return "forbidden";
      });
      const error: unknown = await lake.create("a", one).catch((reason: unknown) => reason);
      const message = "the lake cannot write a: AuthorizationFailure, status 403";
      expect(error).toMatchObject({ code: "store_unavailable", message });
      expect(asked).toBe(1);
      expect(JSON.stringify(error) + String((error as Error).stack)).not.toContain(azurite.key);
    });

    test("a storage that does not answer is not waited for", async () => {
      const place = await newContainer(azurite, storage.url);
      const impatient = openAzureLake(place, randomUUID, { timeoutMs: 200, tries: 2, pauseMs: 0 });
      storage.onRequest(() => "silent");
      const message = "the lake cannot list t: no answer within 200 ms";
      await expect(impatient.names("t", "")).rejects.toMatchObject({ code: "store_unavailable", message });
    });

    test("a container that is not there is no empty lake", async () => {
      const place = { ...(await newContainer(azurite)), container: `${azurite.url}/absent` };
      const message = "the lake cannot read a: ContainerNotFound, status 404";
      await expect(openAzureLake(place, randomUUID).read("a")).rejects.toMatchObject({ message });
    });
  });
});
