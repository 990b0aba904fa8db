import type { EntraTarget, Secret } from "ledger-core/process";
import {
  azureSettings,
  configurationPart,
  dataPaths,
  documented,
  type Environment,
  entraScopes,
  integer,
  optionalSecret,
  type Setting,
  type SettingValues,
  textOr,
  withDefaults,
} from "ledger-core/process";

/** Where the tables are kept. */
export type LakePlace =
  | { readonly kind: "folder"; readonly folder: string }
  | ({ readonly kind: "azure" } & AzurePlace);

/** Where the history is exported to, and how. */
export type ExportTarget =
  | { readonly kind: "none" }
  | {
      readonly kind: "lake";
      readonly place: LakePlace;
      readonly key: Secret;
      readonly dataSet: string;
      readonly everyMs: number;
    };

/** A folder of a container, and how to log in to its account. */
export type AzurePlace = {
  /** The container's URL, without credentials. */
  readonly container: string;
  readonly account: string;
  /** The folder in the container; empty for all of it. */
  readonly folder: string;
  /** The account's key, or this workload's identity. */
  readonly login: { readonly key: Secret } | { readonly identity: EntraTarget };
};

const KEY_LENGTH_MIN = 32;
const MS_A_SECOND = 1000;

type ExportUrl = Extract<LakePlace, { kind: "folder" }> | ({ readonly kind: "azure" } & Omit<AzurePlace, "login">);

const exportUrl: Setting<ExportUrl | undefined> = {
  absent: { allowed: true, value: undefined },
  standard: "none",
  parse(text) {
    if (text === "none") return { value: undefined };
    const folder = /^folder:(.+)$/.exec(text)?.[1];
    if (folder !== undefined) return { value: { kind: "folder", folder } };
    if (text.includes("?")) return { fault: "holds a signature: put the account's key into EXPORT_ACCOUNT_KEY" };
    const place = azureUrl(text);
    if (place) return { value: { kind: "azure", ...place } };
    return { fault: "must be none, folder:<path> or abfss://<container>@<account>.dfs.core.windows.net/<folder>" };
  },
};

/** The settings that make pseudonyms. */
export const pseudonymSettings = {
  EXPORT_KEY: documented(
    `Makes the pseudonyms of accounts, owners and tenants; at least ${KEY_LENGTH_MIN} characters.`,
    optionalSecret({ lengthMin: KEY_LENGTH_MIN }),
  ),
  EXPORT_DATA_SET: documented("Part of each pseudonym: two data sets cannot be joined.", textOr("payledger")),
};

export const exportPart = configurationPart({
  settings: {
    EXPORT: documented(
      "Where the history is exported to as Delta tables; a whole `ledger start` uses its data folder by default.",
      exportUrl,
    ),
    ...pseudonymSettings,
    EXPORT_ACCOUNT_KEY: documented("The key of the storage account in EXPORT.", optionalSecret({ lengthMin: 16 })),
    ...azureSettings,
    EXPORT_SECONDS: documented(
      "The least time between two commits of a table and shard.",
      integer({ min: 1, max: 600, otherwise: 5 }),
    ),
  },
  check({ EXPORT, EXPORT_KEY, EXPORT_ACCOUNT_KEY, ...azure }, fault) {
    const isAzure = EXPORT?.kind === "azure";
    if (isAzure && EXPORT_ACCOUNT_KEY === undefined && entraIdentity(azure, entraScopes.storage) === undefined)
      fault("EXPORT is on Azure: set EXPORT_ACCOUNT_KEY, or AZURE_TENANT_ID, AZURE_CLIENT_ID and their token's file");
    if (isAzure && EXPORT_ACCOUNT_KEY === undefined && EXPORT.container.startsWith("http:"))
      fault("EXPORT is http://, and tokens never cross a network in clear: set EXPORT_ACCOUNT_KEY");
    if (!isAzure && EXPORT_ACCOUNT_KEY !== undefined) fault("EXPORT_ACCOUNT_KEY is for an abfss:// URL in EXPORT");
    if (EXPORT !== undefined && EXPORT_KEY === undefined)
      fault("EXPORT_KEY is not set: the export needs it, and every later export of the data set the same one");
  },
  build({ EXPORT: url, EXPORT_KEY: key, EXPORT_ACCOUNT_KEY, EXPORT_DATA_SET, EXPORT_SECONDS, ...azure }): ExportTarget {
    const place = url?.kind === "azure" ? withLogin(url, EXPORT_ACCOUNT_KEY, azure) : url;
    if (place === undefined || key === undefined) return { kind: "none" };
    return { kind: "lake", place, key, dataSet: EXPORT_DATA_SET, everyMs: EXPORT_SECONDS * MS_A_SECOND };
  },
});

type AzureValues = Partial<SettingValues<typeof azureSettings>>;

function withLogin(url: Extract<ExportUrl, { kind: "azure" }>, key: Secret | undefined, values: AzureValues) {
  const identity = entraIdentity(values, entraScopes.storage);
  const login = key ? { key } : identity && { identity };
  return login && { ...url, login };
}

/** This workload's identity for a kind of server; undefined where the environment names none. */
export function entraIdentity(values: AzureValues, scope: string): EntraTarget | undefined {
  const { AZURE_AUTHORITY_HOST: authority, AZURE_TENANT_ID: tenant, AZURE_CLIENT_ID: client } = values;
  const assertion = values.AZURE_FEDERATED_TOKEN;
  if (!authority || !tenant || !client || !assertion) return undefined;
  return { authority, tenant, client, assertion, scope };
}

const folderForm = "(?:/([\\w.=/-]{0,500}?))?/*$";
const abfssForm = new RegExp(`^abfss://([a-z0-9-]{3,63})@([a-z0-9]{3,24})\\.dfs\\.([a-z0-9.-]{3,80})${folderForm}`);
/** Azurite on this machine: the account is part of the path. */
const emulatorForm = new RegExp(`^(http://127\\.0\\.0\\.1:\\d{1,5}/([a-z0-9]{3,24})/[a-z0-9-]{3,63})${folderForm}`);

function azureUrl(text: string): Omit<AzurePlace, "login"> | undefined {
  const [, container, account, suffix, folder = ""] = abfssForm.exec(text) ?? [];
  // The same blobs, by the interface that has the conditional creation of files.
  if (account !== undefined) return { container: `https://${account}.blob.${suffix}/${container}`, account, folder };
  const [, url, emulated, inside = ""] = emulatorForm.exec(text) ?? [];
  return url === undefined || emulated === undefined
    ? undefined
    : { container: url, account: emulated, folder: inside };
}

/**
 * The environment of an embedded ledger: where it does not say otherwise, the tables are in the data folder, queries
 * read those that jobs add to them, and the key is the folder's.
 */
export function embeddedEnvironment(dataDir: string, given?: Environment): Environment {
  const { lake, exportKey } = dataPaths(dataDir);
  const exported = withDefaults({ EXPORT: `folder:${lake}` }, given);
  const tables = exported.EXPORT?.startsWith("folder:") ? exported.EXPORT : `folder:${lake}`;
  const environment = withDefaults({ GOLD_TABLES: tables }, exported);
  return environment.EXPORT_KEY ? environment : withDefaults({ EXPORT_KEY_FILE: exportKey }, environment);
}
