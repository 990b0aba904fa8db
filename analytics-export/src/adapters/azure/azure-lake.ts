import { buffer } from "node:stream/consumers";
import type { ContainerClient } from "@azure/storage-blob";
import { assert } from "ledger-core";
import type { Lake, LakeFile } from "../../ports/lake.ts";
import { type AzureTuning, answered, requester } from "./requests.ts";

export type AzureStorage = {
  readonly container: ContainerClient;
  /** The folder of the tables in the container; empty for all of it. */
  readonly folder: string;
  /** A name that no other process uses. */
  readonly uniqueName: () => string;
  /** Called when the storage refuses the present access token; undefined if the login is a key. */
  readonly tokenRefused?: () => void;
};

/** The metadata of a blob that tells which request created it. */
const CREATION = "creation";
/** Another blob of the name also takes its blocks away. */
const taken = ["BlobAlreadyExists", "ConditionNotMet", "InvalidBlockList"];
/** All blocks of a blob have names of one length. */
const BLOCK_DIGITS = 6;

/**
 * A lake in a container of Azure Storage. A blob appears whole, and only if its name was free. If the answer to such a
 * request is lost, the next try finds the name taken, and the blob's metadata tells by whom.
 */
export function azureLake(storage: AzureStorage, tuning: AzureTuning = {}): Lake {
  const { container, folder, uniqueName } = storage;
  const root = folder === "" ? "" : `${folder}/`;
  const ask = requester(tuning, storage.tokenRefused);
  const blobOf = (path: string) => container.getBlockBlobClient(`${root}${path}`);

  async function isFrom(creation: string, path: string): Promise<boolean> {
    const properties = (abortSignal: AbortSignal) => blobOf(path).getProperties({ abortSignal });
    const { metadata } = await ask({ verb: "read", path }, properties);
    return metadata?.[CREATION] === creation;
  }

  /** Sends pieces as blocks, which become a blob when their names are committed. */
  async function stage(path: string, pieces: AsyncIterable<Uint8Array>, creation: string): Promise<string[]> {
    const blocks: string[] = [];
    for await (const piece of pieces) {
      if (piece.length === 0) continue;
      const block = Buffer.from(`${creation}${String(blocks.length).padStart(BLOCK_DIGITS, "0")}`).toString("base64");
      await ask({ verb: "write", path }, (abortSignal) =>
        blobOf(path).stageBlock(block, bufferOf(piece), piece.length, { abortSignal }),
      );
      blocks.push(block);
    }
    return blocks;
  }

  async function readBytes(path: string, from: number, count: number | undefined): Promise<Uint8Array | undefined> {
    return await ask({ verb: "read", path }, async (abortSignal) => {
      const found = await blobOf(path)
        .download(from, count, { abortSignal, maxRetryRequests: 0 })
        .catch(answered(["BlobNotFound"], undefined))
        .catch(answered(["InvalidRange"], null));
      // Nothing of it is after its end.
      if (found === null) return new Uint8Array();
      return found?.readableStreamBody && new Uint8Array(await buffer(found.readableStreamBody));
    });
  }

  async function* list(inFolder: string): AsyncGenerator<LakeFile> {
    const prefix = `${root}${inFolder}/`;
    let token: string | undefined;
    do {
      const page = await ask({ verb: "list", path: inFolder }, async (abortSignal) => {
        const pages = container.listBlobsFlat({ prefix, abortSignal });
        const { value } = await pages.byPage(token ? { continuationToken: token } : {}).next();
        assert(value, "a listing has a page");
        return value;
      });
      for (const { name, properties } of page.segment.blobItems)
        yield {
          path: name.slice(root.length),
          size: properties.contentLength ?? 0,
          modifiedMs: properties.lastModified.getTime(),
        };
      token = page.continuationToken;
    } while (token);
  }

  return {
    async create(path, content) {
      const creation = uniqueName();
      const blob = blobOf(path);
      const conditions = { conditions: { ifNoneMatch: "*" }, metadata: { [CREATION]: creation } };
      const blocks = content instanceof Uint8Array ? undefined : await stage(path, content, creation);
      const body = content instanceof Uint8Array ? bufferOf(content) : Buffer.alloc(0);
      const created = await ask({ verb: "write", path }, (abortSignal) => {
        const options = { ...conditions, abortSignal };
        const written = blocks ? blob.commitBlockList(blocks, options) : blob.upload(body, body.length, options);
        return written.then(() => true, answered(taken, false));
      });
      return created || (await isFrom(creation, path));
    },
    read: (path) => readBytes(path, 0, undefined),
    readPart: (path, from, to) => readBytes(path, from, to - from),
    async names(inFolder, after) {
      const names: string[] = [];
      for await (const { path } of list(inFolder)) names.push(path.slice(inFolder.length + 1));
      return names.filter((name) => name > after && !name.includes("/")).sort();
    },
    files: list,
    async remove(path) {
      await ask({ verb: "remove", path }, (abortSignal) =>
        blobOf(path)
          .delete({ abortSignal })
          .then(() => undefined, answered(["BlobNotFound"], undefined)),
      );
    },
  };
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
