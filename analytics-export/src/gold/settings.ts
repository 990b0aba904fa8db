import {
  azureSettings,
  configurationPart,
  documented,
  type EntraTarget,
  entraScopes,
  optionalSecret,
  type Secret,
  type Setting,
} from "ledger-core/process";
import { entraIdentity, pseudonymSettings } from "../settings.ts";

/** Where queries read the tables of analytics jobs, and what their rows are found by. */
export type GoldTarget = { readonly kind: "none" } | (GoldPlace & { readonly key: Secret; readonly dataSet: string });

type GoldFolderPlace = { readonly kind: "folder"; readonly folder: string };
type WarehouseUrl = {
  readonly kind: "databricks";
  /** The workspace, without a path. */
  readonly url: string;
  readonly warehouse: string;
  readonly catalog: string;
  readonly schema: string;
};
/** A SQL warehouse, with a token of a service principal or this workload's identity. */
export type WarehousePlace = WarehouseUrl & { readonly login: { readonly token: Secret } | { identity: EntraTarget } };
type GoldPlace = GoldFolderPlace | WarehousePlace;

const FORM = "databricks://<host>/<warehouse id>/<catalog>/<schema>";
/** Without TLS only on this machine. */
const hostForm = "(127\\.0\\.0\\.1:\\d{1,5}|[a-z0-9][a-z0-9.-]{2,120})";
const warehouseForm = new RegExp(`^databricks://${hostForm}/([a-z0-9]{1,64})/(\\w[\\w-]{0,127})/(\\w[\\w-]{0,127})/?$`);

const goldUrl: Setting<GoldFolderPlace | WarehouseUrl | undefined> = {
  absent: { allowed: true, value: undefined },
  standard: "none",
  parse(text) {
    if (text === "none") return { value: undefined };
    if (text.includes("@")) return { fault: "holds credentials: put the token into GOLD_TABLES_TOKEN" };
    const folder = /^folder:(.+)$/.exec(text)?.[1];
    if (folder !== undefined) return { value: { kind: "folder", folder } };
    const [, host, warehouse, catalog, schema] = warehouseForm.exec(text) ?? [];
    if (host === undefined || warehouse === undefined || catalog === undefined || schema === undefined)
      return { fault: `must be none, folder:<path of the lake> or ${FORM}` };
    const url = `${host.startsWith("127.0.0.1:") ? "http" : "https"}://${host}`;
    return { value: { kind: "databricks", url, warehouse, catalog, schema } };
  },
};

export const goldPart = configurationPart({
  settings: {
    GOLD_TABLES: documented(
      "Where reports and trained recommendations are read, which analytics jobs make from the export: " +
        `folder:<path of the lake> or ${FORM}; a whole \`ledger start\` reads its data folder by default.`,
      goldUrl,
    ),
    GOLD_TABLES_TOKEN: documented(
      "A token for the SQL warehouse in GOLD_TABLES; not with a workload identity.",
      optionalSecret({ lengthMin: 16 }),
    ),
    ...azureSettings,
    ...pseudonymSettings,
  },
  check({ GOLD_TABLES, GOLD_TABLES_TOKEN, EXPORT_KEY, ...azure }, fault) {
    if (GOLD_TABLES !== undefined && EXPORT_KEY === undefined)
      fault("EXPORT_KEY is not set: rows of GOLD_TABLES are found by the pseudonyms that the export made with it");
    const isWarehouse = GOLD_TABLES?.kind === "databricks";
    if (isWarehouse && !GOLD_TABLES_TOKEN && !entraIdentity(azure, entraScopes.databricks))
      fault(
        "GOLD_TABLES is a warehouse: set GOLD_TABLES_TOKEN, or AZURE_TENANT_ID, AZURE_CLIENT_ID and their token's file",
      );
    if (!isWarehouse && GOLD_TABLES_TOKEN) fault("GOLD_TABLES_TOKEN is for a databricks:// URL in GOLD_TABLES");
  },
  build({ GOLD_TABLES: place, GOLD_TABLES_TOKEN: token, EXPORT_KEY: key, EXPORT_DATA_SET, ...azure }): GoldTarget {
    if (place === undefined || key === undefined) return { kind: "none" };
    const names = { key, dataSet: EXPORT_DATA_SET };
    if (place.kind === "folder") return { ...place, ...names };
    const identity = entraIdentity(azure, entraScopes.databricks);
    const login = token ? { token } : identity && { identity };
    return login ? { ...place, ...names, login } : { kind: "none" };
  },
});
