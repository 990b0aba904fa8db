import { ContainerClient, StorageSharedKeyCredential } from "@azure/storage-blob";
import { type EntraTokens, openEntraTokens } from "ledger-core/entra";
import type { Lake } from "../../ports/lake.ts";
import type { AzurePlace } from "../../settings.ts";
import { azureLake } from "./azure-lake.ts";
import type { AzureTuning } from "./requests.ts";

/** Requests are made again by `request`, which waits as long as the storage asks for. */
const retryOptions = { maxTries: 1 };

export function openAzureLake(place: AzurePlace, uniqueName: () => string, tuning?: AzureTuning): Lake {
  const { container: url, account, folder, login } = place;
  const credential =
    "key" in login
      ? new StorageSharedKeyCredential(account, login.key.reveal())
      : credentialOf(openEntraTokens(login.identity));
  const container = new ContainerClient(url, credential, { retryOptions });
  return azureLake({ container, folder, uniqueName }, tuning);
}

/** Access tokens in the form that the driver asks for. */
function credentialOf(tokens: EntraTokens) {
  return {
    getToken: async () => ({ token: await tokens.current(), expiresOnTimestamp: tokens.expiresAtMs() ?? Date.now() }),
  };
}
