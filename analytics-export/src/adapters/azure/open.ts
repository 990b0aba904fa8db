import { ContainerClient, StorageSharedKeyCredential } from "@azure/storage-blob";
import { type EntraTokens, openEntraTokens } from "ledger-core/entra";
import type { Lake } from "../../ports/lake.ts";
import type { AzurePlace } from "../../settings.ts";
import { azureLake } from "./azure-lake.ts";
import type { AzureTuning } from "./requests.ts";

/** Requests are made again by `request`, which waits as long as the storage asks for. */
const retryOptions = { maxTries: 1 };

export function openAzureLake(place: AzurePlace, uniqueName: () => string, tuning: AzureTuning = {}): Lake {
  const { container: url, account, folder, login } = place;
  if ("key" in login) {
    const credential = new StorageSharedKeyCredential(account, login.key.reveal());
    const container = new ContainerClient(url, credential, { retryOptions });
    return azureLake({ container, folder, uniqueName }, tuning);
  }
  const tokens = openEntraTokens(login.identity, tuning.entra);
  const container = new ContainerClient(url, credentialOf(tokens), { retryOptions });
  return azureLake({ container, folder, uniqueName, tokenRefused: tokens.refused }, tuning);
}

/**
 * Access tokens in the form that the driver asks for. It is told that each has expired, so that it asks again for every
 * request: it would use one that the storage refuses until the token's own end.
 */
function credentialOf(tokens: EntraTokens) {
  return { getToken: async () => ({ token: await tokens.current(), expiresOnTimestamp: 0 }) };
}
