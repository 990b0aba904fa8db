import { randomUUID } from "node:crypto";
import { ContainerClient, StorageSharedKeyCredential } from "@azure/storage-blob";
import type { AzuriteServer } from "ledger-core/testing/engines/azurite";
import type { AzurePlace } from "../settings.ts";

/** A folder of a new container. `url` is the storage's own, or leads there. */
export async function newContainer({ account, key, url: own }: AzuriteServer, url = own): Promise<AzurePlace> {
  const name = `c${randomUUID()}`;
  await new ContainerClient(`${own}/${name}`, new StorageSharedKeyCredential(account, key)).create();
  return { container: `${url}/${name}`, account, folder: "ledger/lake", login: { key: { reveal: () => key } } };
}
