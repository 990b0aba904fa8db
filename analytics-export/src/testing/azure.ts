import { randomUUID } from "node:crypto";
import {
  AccountSASPermissions,
  AccountSASResourceTypes,
  AccountSASServices,
  ContainerClient,
  generateAccountSASQueryParameters,
  SASProtocol,
  StorageSharedKeyCredential,
} from "@azure/storage-blob";
import type { AzuriteServer } from "ledger-core/testing/engines/azurite";
import type { AzurePlace } from "../settings.ts";

/** A folder of a new container. `url` is the storage's own, or leads there. */
export async function newContainer({ account, key, url: own }: AzuriteServer, url = own): Promise<AzurePlace> {
  const name = `c${randomUUID()}`;
  await new ContainerClient(`${own}/${name}`, new StorageSharedKeyCredential(account, key)).create();
  return { container: `${url}/${name}`, account, folder: "ledger/lake", login: { key: { reveal: () => key } } };
}

/** The query of a shared access signature, with which requests may do everything for an hour. */
export function signatureOf({ account, key }: AzuriteServer): string {
  const allowed = {
    permissions: AccountSASPermissions.parse("rwdlac"),
    services: AccountSASServices.parse("b").toString(),
    resourceTypes: AccountSASResourceTypes.parse("sco").toString(),
    protocol: SASProtocol.HttpsAndHttp,
    expiresOn: new Date(Date.now() + 3_600_000),
  };
  return generateAccountSASQueryParameters(allowed, new StorageSharedKeyCredential(account, key)).toString();
}
