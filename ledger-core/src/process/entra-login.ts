import { documented, oneOf, optionalSecret, optionalText, type Secret, type Setting, textOr } from "./env.ts";
import type { Credentials } from "./targets.ts";

/** How to get access tokens for one kind of server, as this workload. */
export type EntraTarget = {
  /** Where tokens are requested, an https URL that ends in a slash. */
  readonly authority: string;
  readonly tenant: string;
  readonly client: string;
  /** The workload's own token, which AKS renews in a file. */
  readonly assertion: Secret;
  /** The kind of server. */
  readonly scope: string;
};

/** A user who logs in with access tokens instead of a password. */
export type EntraLogin = { readonly username: string; readonly entra: EntraTarget };
export type Login = Credentials | EntraLogin;

export const entraScopes = {
  mysql: "https://ossrdbms-aad.database.windows.net/.default",
  redis: "https://redis.azure.com/.default",
  storage: "https://storage.azure.com/.default",
  /** Azure Databricks has one id in every tenant. */
  databricks: "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d/.default",
} as const;

export type LoginMethod = "password" | "entra";

/** The setting that chooses between a password and tokens. */
export function loginMethod(): Setting<LoginMethod> {
  const about = "How to log in: with the password, or with Entra tokens of this workload (AZURE_…).";
  return documented(about, oneOf(["password", "entra"], "password"));
}

/** The variables that AKS's workload identity sets in a pod. */
export const azureSettings = {
  AZURE_AUTHORITY_HOST: documented(
    "Where Entra tokens are requested.",
    authority("https://login.microsoftonline.com/"),
  ),
  AZURE_TENANT_ID: documented("The Entra tenant of this workload.", optionalText()),
  AZURE_CLIENT_ID: documented("The client id of this workload's identity.", optionalText()),
  AZURE_FEDERATED_TOKEN: documented("This workload's own token; AKS sets its file.", optionalSecret({ lengthMin: 1 })),
};

/** A URL that tokens may be sent to. */
function authority(otherwise: string): Setting<string> {
  return {
    ...textOr(otherwise),
    parse(text) {
      const url = URL.canParse(text) ? new URL(text) : undefined;
      const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && url.hostname === "127.0.0.1");
      if (!url || !isSafe || url.username !== "" || url.search !== "" || url.hash !== "")
        return { fault: "must be an https:// URL without credentials (http:// only on this machine)" };
      return { value: url.href.endsWith("/") ? url.href : `${url.href}/` };
    },
  };
}

/** The values of the settings of one login; one with a fault of its own is undefined. */
export type LoginValues = {
  readonly username: string | undefined;
  readonly password: Secret | undefined;
  readonly auth: LoginMethod | undefined;
  readonly azure: AzureValues;
};

export type AzureValues = {
  readonly AZURE_AUTHORITY_HOST?: string;
  readonly AZURE_TENANT_ID?: string | undefined;
  readonly AZURE_CLIENT_ID?: string | undefined;
  readonly AZURE_FEDERATED_TOKEN?: Secret | undefined;
};

/** Checks the settings of a login with tokens; those of one with a password are the caller's. */
export function checkEntraLogin(name: string, values: LoginValues & { tls: string | undefined }, fault: Fault): void {
  const { username, password, azure, tls } = values;
  const { AZURE_TENANT_ID: tenant, AZURE_CLIENT_ID: client, AZURE_FEDERATED_TOKEN: token } = azure;
  if (username === undefined) fault(`${name}_AUTH is entra: set ${name}_USERNAME`);
  if (password !== undefined) fault(`${name}_AUTH is entra: remove ${name}_PASSWORD`);
  if (tls === "false") fault(`${name}_AUTH is entra, and ${name}_TLS is false: tokens never cross a network in clear`);
  if (tenant === undefined || client === undefined || token === undefined)
    fault(`${name}_AUTH is entra: set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_FEDERATED_TOKEN_FILE, as AKS does`);
  else if (!/^[A-Za-z0-9.-]{1,100}$/.test(tenant)) fault("AZURE_TENANT_ID must be a tenant's id or domain");
}

type Fault = (text: string) => void;

/** The login of checked settings; undefined without a user. */
export function loginOf({ username, password, auth, azure }: LoginValues, scope: string): Login | undefined {
  if (username === undefined) return undefined;
  const { AZURE_AUTHORITY_HOST, AZURE_TENANT_ID: tenant, AZURE_CLIENT_ID: client, AZURE_FEDERATED_TOKEN } = azure;
  if (auth !== "entra") return password && { username, password };
  if (AZURE_AUTHORITY_HOST === undefined || tenant === undefined || client === undefined) return undefined;
  const assertion = AZURE_FEDERATED_TOKEN;
  return assertion && { username, entra: { authority: AZURE_AUTHORITY_HOST, tenant, client, assertion, scope } };
}
